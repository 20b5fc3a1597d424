"""The life of a worker process: what is made at its start, kept alive by its heartbeat, and handed over at its end.

Connections are made when the worker starts, never at import, so that nothing crosses a fork. SIGTERM sets the
cancellation token: waiting slots give their messages back and the process exits within about a second.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from celery import signals

from pipeline import logs, wiring
from pipeline.cancellation import CancellationToken
from pipeline.errors import NightscribeError, ServiceUnavailableError
from pipeline.models import Job
from pipeline.runs.base import WorkerSummary
from pipeline.wiring import WorkerParts
from workers.app import settings

_BEATS_PER_LEASE = 3  # two beats may be lost before a lease runs out
_CLOSE_WITHIN_S = 5.0
_REDIS_AGAIN_S = 1.0

T = TypeVar("T")


@dataclass
class Worker:
    """This process as a worker: its parts, and the jobs that it holds."""

    name: str
    parts: WorkerParts
    cancel: CancellationToken
    slots: int
    _held: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ended: threading.Event = field(default_factory=threading.Event)
    _heart: threading.Thread | None = None

    def start(self) -> None:
        """Shows the worker and starts its heartbeat."""
        self._heart = threading.Thread(target=self._beat_until_ended, name="heartbeat", daemon=True)
        self._heart.start()

    def stop(self) -> None:
        """Ends the heartbeat and closes connections."""
        self._ended.set()
        if self._heart is not None:
            self._heart.join(_CLOSE_WITHIN_S)
        self.parts.close()

    @contextmanager
    def holding(self, job: Job) -> Iterator[bool]:
        """Leases a job for the block and keeps the lease alive; False when another slot, here or elsewhere, has it."""
        with self._lock:
            is_free = job.job_id not in self._held
            self._held.add(job.job_id)
        if not is_free:
            yield False
            return
        try:
            yield self.insist(lambda: self.parts.leases.acquire(job))
        finally:
            with self._lock:
                self._held.discard(job.job_id)

    def insist(self, call: Callable[[], T]) -> T:
        """Repeats a call until Redis answers: its being away costs time, nothing else (I3)."""
        while True:
            try:
                return call()
            except ServiceUnavailableError as error:
                logs.get_logger().warning("redis_awaited", message=error.message)
                self.cancel.sleep(_REDIS_AGAIN_S)

    def _beat_until_ended(self) -> None:
        interval_s = settings.limits.lease_s / _BEATS_PER_LEASE
        while True:
            try:
                self._beat()
            except ServiceUnavailableError as error:
                logs.get_logger().warning("heartbeat_missed", message=error.message)
            if self._ended.wait(interval_s):
                return

    def _beat(self) -> None:
        with self._lock:
            held = set(self._held)
        self.parts.runs.show_worker(WorkerSummary(self.name, self.slots, len(held)))
        self.parts.tools.permits.renew()
        if held and (lost := self.parts.leases.renew(held)):
            # Another worker may be on these jobs; S3 decides who writes, and no second request is made.
            logs.get_logger().warning("leases_lost", job_ids=sorted(lost))


_state: dict[str, Worker] = {}


def this_worker() -> Worker:
    """The worker of this process; exists while Celery runs tasks."""
    return _state["worker"]


@signals.setup_logging.connect
def _configure_logging(**_: Any) -> None:
    """Connected, it keeps Celery from configuring the root logger itself."""
    logs.configure(settings.logs)


@signals.worker_init.connect
def _begin(sender: Any = None, **_: Any) -> None:
    logs.configure(settings.logs)  # this signal comes before Celery's own set-up of logging
    cancel = CancellationToken()
    name = str(sender)
    try:
        parts = wiring.open_worker(settings, os.environ, name=f"{name}:{os.getpid()}", cancel=cancel)
    except NightscribeError as error:
        sys.stderr.write(f"Error: {error.message}\n")
        raise SystemExit(error.exit_code) from None
    worker = Worker(name=name, parts=parts, cancel=cancel, slots=_slots(sender))
    _state["worker"] = worker
    worker.start()
    logs.get_logger().info("worker_started", worker=name, slots=worker.slots)


@signals.worker_shutting_down.connect
def _hand_over(**_: Any) -> None:
    """Runs in the signal handler of SIGTERM or SIGINT: wakes every waiting slot."""
    if worker := _state.get("worker"):
        worker.cancel.cancel()


@signals.worker_shutdown.connect
def _end(**_: Any) -> None:
    if worker := _state.pop("worker", None):
        worker.stop()
        logs.get_logger().info("worker_stopped", worker=worker.name)


def _slots(sender: Any) -> int:
    return int(getattr(sender, "concurrency", None) or settings.worker.slots)
