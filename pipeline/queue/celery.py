"""The job queue over Celery: sends by task name, so that the sender imports no task code (docs/adr/0002)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from celery import Celery
from kombu.exceptions import BatchPublishError, OperationalError

from pipeline import tracing
from pipeline.errors import ServiceUnavailableError
from pipeline.models import Job
from pipeline.queue.base import JobQueue
from pipeline.queue.redis_watch import PRIORITY_LISTS
from pipeline.settings import RedisSettings

TASK_NAME = "transcribe"
_KB, _MB = 1e3, 1e6


def broker_options(settings: RedisSettings) -> dict[str, Any]:
    """How kombu talks to Redis, the same for senders and workers (measured values: docs/celery.md)."""
    return {
        "global_keyprefix": settings.key_prefix,
        # Longer than any job: kombu never extends it, so a shorter one would hand a running job to a second worker.
        # Jobs of dead workers are found by their leases long before.
        "visibility_timeout": 12 * 3600,
        # Without a timeout a publish to a frozen server waits for ever. Must exceed BRPOP's one second.
        "socket_timeout": settings.socket_timeout_s,
        "socket_connect_timeout": settings.connect_timeout_s,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }


def make_sender(settings: RedisSettings) -> Celery:
    """A Celery app that only sends: no task code, no result backend."""
    app = Celery("nightscribe-sender", broker=settings.url.get_secret_value(), set_as_current=False)
    app.conf.update(broker_transport_options=broker_options(settings), task_ignore_result=True, result_backend=None)
    return app


def sent_now() -> float:
    """AMQP's own property of a message, in seconds since 1970: the exporter tells by it how long jobs wait."""
    return round(time.time(), 3)


def _line_of(job: Job) -> str:
    """What a person reads of a message. How long the recording is nobody knows yet: its result tells."""
    size = job.object.size_bytes
    shown = f"{size / _MB:,.1f} MB" if size >= _MB else f"{size / _KB:,.0f} kB"
    return f"{job.object.uri} ({shown}) with {job.recipe.endpoint_id}"


class CeleryQueue(JobQueue):
    """One broker connection, for the thread of the dispatcher."""

    def __init__(self, app: Celery, *, name: str, server: str) -> None:
        self._app = app
        self._name = name
        self._server = server

    def put(self, jobs: Sequence[Job]) -> None:
        """See `JobQueue.put`. Pipelined: one round trip per batch."""
        with (
            self._errors("send jobs to"),
            tracing.batch(jobs),
            self._app.producer_or_acquire() as producer,
            producer.batch(max_size=len(jobs) or 1),
        ):
            for job in jobs:
                self._app.send_task(
                    TASK_NAME,
                    args=(job.model_dump(mode="json"),),
                    # One row per episode in Flower, whatever is sent again; and a line that a person can read there.
                    task_id=job.job_id,
                    argsrepr=_line_of(job),
                    kwargsrepr="",
                    timestamp=sent_now(),
                    headers=tracing.carried(job),
                    queue=self._name,
                    producer=producer,
                    retry=False,
                )

    def depth(self) -> int:
        """See `JobQueue.depth`."""
        with self._errors("look at"), self._app.connection_or_acquire() as connection:
            client = connection.default_channel.client
            return sum(int(client.llen(self._name + step)) for step in PRIORITY_LISTS)

    def close(self) -> None:
        """Closes the broker connections."""
        self._app.close()

    @contextmanager
    def _errors(self, act: str) -> Iterator[None]:
        try:
            yield
        except (OperationalError, BatchPublishError, OSError, *self._app.connection().connection_errors) as error:
            # Of a batch that broke off some messages may have arrived: sent again, they find their jobs taken.
            raise ServiceUnavailableError(
                f"Could not {act} the queue at {self._server} ({type(error).__name__}). Is Redis running there? Set "
                "REDIS_URL. Running the command again goes on where it stopped.",
                "redis_unavailable",
            ) from error
