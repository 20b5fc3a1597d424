"""The Celery application that workers, beat and Flower load: `celery -A workers.app worker`.

Every setting has its reason beside it; the figures behind them are in docs/celery.md.
"""

from __future__ import annotations

import os
import sys

import celery
import celery.apps.worker
import kombu.transport.redis
from celery import Celery

from pipeline.errors import NightscribeError
from pipeline.queue.celery import TASK_NAME, broker_options
from pipeline.settings import Settings, load_settings
from workers.beat import NIGHT_TASK, beat_options, nights_queue, queues

if celery.__version__ == "5.7.0":
    # Celery 5.7.0 exits with an AttributeError when Redis drops while a slot is free and a task runs: its consumer
    # closes the connection twice. Counted as a connection error, it reconnects instead (docs/adr/0004).
    kombu.transport.redis.Transport.connection_errors += (AttributeError,)
    # Ctrl-C ends a worker in order, like SIGTERM; Celery calls that a failure, and make would print an error.
    celery.apps.worker.install_worker_int_handler.keywords["exitcode"] = 0


def make_app(settings: Settings) -> Celery:
    """A Celery app for these settings. No connection is made here, so it may be forked or imported by Flower."""
    tasks = ["workers.tasks", "workers.nights"]
    app = Celery("nightscribe", broker=settings.redis.url.get_secret_value(), include=tasks)
    app.conf.update(
        broker_transport_options=broker_options(settings.redis),
        # A worker waits for its broker, at the start and later: it is the dispatcher that reports an outage.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A running task goes on when the connection drops: it holds a paid request.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        task_default_queue=settings.queue.name,
        # Both without -Q, so that any worker may have the night.
        task_queues=queues(settings),
        # JSON only: a message must be readable by people and by other versions, and must not run code.
        task_serializer="json",
        accept_content=["json"],
        # The message is given back when its worker dies; intents in S3 make a second delivery free of charge.
        task_acks_late=True,
        # Only the threads pool is used; for anybody who tries another: a lost child retries, it does not fail.
        task_retry_on_worker_lost=True,
        # One message per free slot, so that jobs go where slots are free. Never 0, which means no bound.
        worker_prefetch_multiplier=1,
        # The sidecar is the result; a result backend would store each one a second time.
        task_ignore_result=True,
        result_backend=None,
        # Flower lives on these events; half a millisecond per job. The sender's own event doubles that for nothing.
        worker_send_task_events=True,
        task_send_sent_event=False,
        # Threads cannot be killed; a job's own deadlines end it (fal.wait_timeout_s).
        worker_pool="threads",
        worker_concurrency=settings.worker.slots,
        # Logging is structured and configured by lifecycle.
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        # Times in messages and in Flower are UTC, like everything else.
        enable_utc=True,
        timezone="UTC",
        **beat_options(settings),
    )
    app.conf.task_routes = {
        TASK_NAME: {"queue": settings.queue.name},
        NIGHT_TASK: {"queue": nights_queue(settings)},
    }
    return app


def _load() -> Settings:
    try:
        return load_settings(os.environ).settings
    except NightscribeError as error:
        # Celery would print a traceback for whatever is raised while it imports this module.
        sys.stderr.write(f"Error: {error.message}\n")
        raise SystemExit(error.exit_code) from None


settings = _load()
app = make_app(settings)
