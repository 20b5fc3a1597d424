"""The job queue: an interface (`base`), Celery (`celery`), and a list for unit tests (`memory`)."""
