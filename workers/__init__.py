"""Celery lives here, and no rule of the domain does: the app, the task, and the life of a worker process."""
