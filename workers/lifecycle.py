"""The life of a worker process: what is made at its start, kept alive by its heartbeat, and handed over at its end.

Connections are made when the worker starts, never at import, so that nothing crosses a fork. SIGTERM sets the
cancellation token: waiting slots give their messages back and the process exits within about a second.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Any

from celery import signals

from pipeline import SOFTWARE, logs, tracing
from pipeline.cancellation import CancellationToken
from pipeline.errors import NightscribeError, ServiceUnavailableError
from pipeline.recovery import recover
from pipeline.runs.base import WorkerSummary
from pipeline.wiring.worker import WorkerParts, open_worker
from workers.app import settings
from workers.liveness import Liveness

_BEATS_PER_LEASE = 3  # two beats may be lost before a lease runs out
_BEAT_MAX_S = 1.0  # after a wipe, Redis learns this soon what is in flight; a beat is four short calls
_CLOSE_WITHIN_S = 5.0


@dataclass
class Worker:
    """This process as a worker: its parts, and whether it still consumes."""

    name: str
    parts: WorkerParts
    cancel: CancellationToken
    slots: int
    _liveness: Liveness = field(init=False)
    _ended: threading.Event = field(default_factory=threading.Event)
    _heart: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._liveness = Liveness(self.slots, settings.worker.stuck_after_s, time.monotonic)

    def start(self) -> None:
        """Shows the worker and starts its heartbeat."""
        self._heart = threading.Thread(target=self._beat_until_ended, name="heartbeat", daemon=True)
        self._heart.start()

    def stop(self) -> None:
        """Ends the heartbeat and closes connections."""
        self._ended.set()
        if self._heart is not None:
            self._heart.join(_CLOSE_WITHIN_S)
        with suppress(NightscribeError):
            self._hand_on_meters()
        self.parts.close()

    def started(self) -> None:
        """A task has begun: the worker consumes."""
        self._liveness.consumed()

    def at_night(self) -> AbstractContextManager[None]:
        """A night takes one of the slots for as long as this lasts."""
        return self._liveness.at_night()

    def _beat_until_ended(self) -> None:
        interval_s = min(settings.limits.lease_s / _BEATS_PER_LEASE, _BEAT_MAX_S)
        while True:
            try:
                self._beat()
            except ServiceUnavailableError as error:
                logs.get_logger().warning("heartbeat_missed", message=error.message)
            except Exception:  # noqa: BLE001  without its heartbeat a worker would lose every lease, unseen
                logs.get_logger().exception("heartbeat_failed_by_our_fault")
            if self._ended.wait(interval_s):
                return

    def _beat(self) -> None:
        tools, runs = self.parts.tools, self.parts.runs
        tools.permits.renew()
        if lost := tools.leases.renew():
            # Another worker may be on these jobs. Ours cannot submit them any more, and S3 decides who writes.
            logs.get_logger().warning("leases_lost", job_ids=sorted(lost))
        busy = tools.leases.count
        # Before the broker is asked, whose client tries for long when Redis is away: this is what says so at once.
        stuck, longest = self._liveness.is_stuck, tools.leases.longest
        runs.show_worker(WorkerSummary(self.name, self.slots, busy, stuck, longest, SOFTWARE))
        queued = self.parts.queue.depth()
        was_stuck = self._liveness.is_stuck
        if self._liveness.look(busy, queued) and not was_stuck:
            logs.get_logger().error("worker_not_consuming", busy=busy, queued=queued, slots=self.slots)
        if sent := recover(runs, self.parts.queue, every_s=settings.run.recover_every_s):
            logs.get_logger().warning("jobs_sent_again", jobs=sent)
        self._hand_on_meters()  # last: whatever it meets keeps nothing else from being done

    def _hand_on_meters(self) -> None:
        meters = self.parts.tools.meters
        gathered = meters.take()
        try:
            self.parts.meter_book.add(gathered)
        except NightscribeError:
            meters.put_back(gathered)  # the next beat tries again
            raise


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
    tracing.begin(os.environ, "nightscribe-worker")
    cancel = CancellationToken()
    name = str(sender)
    try:
        parts = open_worker(settings, os.environ, name=f"{name}:{os.getpid()}", cancel=cancel)
    except NightscribeError as error:
        sys.stderr.write(f"Error: {error.message}\n")
        raise SystemExit(error.exit_code) from None
    worker = Worker(name=name, parts=parts, cancel=cancel, slots=_slots(sender))
    _state["worker"] = worker
    gc.freeze()  # what is loaded stays: no search for garbage goes through it from here on, not even the last
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
        tracing.flush()
        logs.get_logger().info("worker_stopped", worker=worker.name)


def _slots(sender: Any) -> int:
    return int(getattr(sender, "concurrency", None) or settings.worker.slots)
