"""The task that is a night: runs `nightscribe nightly` over the archives and says in Celery's words how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from celery import Task, signals

from pipeline import logs
from pipeline.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_RUN_ACTIVE
from pipeline.nights import next_moment
from pipeline.printable import printable
from pipeline.redaction import redact
from workers.app import app, settings
from workers.beat import NIGHT_TASK, nights_queue
from workers.front_door import run_front_door
from workers.lifecycle import this_worker

_SHOWN_CHARACTERS = 1_500  # of what the night said, in the events that Flower keeps
_SLOTS_AT_LEAST = 2  # a night takes one for hours, and waits for the transcripts that the others make


class NightFailedError(Exception):
    """Shows in Flower how a night ended that did not do all it had to."""


class NightHandedOverError(Exception):
    """Shows in Flower that another worker goes on with the night."""


@app.task(
    name=NIGHT_TASK,
    bind=True,
    # The message is taken off before the night begins. A night that dies with its worker is caught up by the next;
    # given again after twelve hours (docs/celery.md), it would begin by day.
    acks_late=False,
    max_retries=None,
    throws=(NightFailedError,),
)
def night(self: Task, archives: str) -> str:
    """Runs a night over the archives of the file. Returns its last lines for Flower; raises what Celery understands."""
    worker = this_worker()
    worker.started()
    began = datetime.now(UTC)
    logs.get_logger().info("night_started", archives=archives)
    with worker.at_night(), _one_message_less():
        code, lines = run_front_door(["nightly", "--archives", archives], worker.cancel)
    logs.get_logger().info("night_ended", archives=archives, exit_code=code)
    said = _shown(lines)
    if code == EXIT_DONE:
        return said
    if code == EXIT_RUN_ACTIVE:
        return f"another run is active: {said}"
    was_stopped = code == EXIT_INTERRUPTED or code < 0  # the latter: before it could heed, or because it did not
    deadline = _deadline(began)
    if was_stopped and worker.cancel.is_cancelled and (deadline is None or datetime.now(UTC) < deadline):
        raise self.retry(
            # Killed, it has not given its runs back, and whoever comes at once is told that they are active.
            countdown=settings.run.dispatcher_lease_s if code < 0 else 0,
            exc=NightHandedOverError("its worker was told to stop: another goes on"),
            argsrepr=self.request.argsrepr,
            kwargsrepr=self.request.kwargsrepr,
            # Begun after its deadline, it would have tomorrow's.
            **({"expires": deadline} if deadline else {}),
        )
    raise NightFailedError(f"exit code {code}: {said}")


_consumers: list[Any] = []


@signals.worker_ready.connect
def _remember(sender: Any = None, **_: object) -> None:
    _consumers[:] = [sender]


@contextmanager
def _one_message_less() -> Iterator[None]:
    """Takes an episode less from the queue for as long as this lasts.

    A worker holds one message per slot, and the night's is off its hands at once: another would take its place and wait
    for a slot that is occupied for hours.
    """
    qos = _consumers[0].qos
    qos.decrement_eventually()
    try:
        yield
    finally:
        qos.increment_eventually()  # where the connection was lost meanwhile, this one counts no more


def _deadline(began: datetime) -> datetime | None:
    """From when on a night that began then submits nothing."""
    if not settings.night.until:
        return None
    return next_moment(settings.night.until, settings.night.time_zone, began)


def _shown(lines: list[str]) -> str:
    return printable(redact("\n".join(lines)), keep="\n")[-_SHOWN_CHARACTERS:]


@signals.celeryd_after_setup.connect
def _take_nights_only_with_slots_to_spare(instance: object = None, **_: object) -> None:
    """A worker of one slot would wait for itself."""
    slots = getattr(instance, "concurrency", None) or settings.worker.slots
    if slots < _SLOTS_AT_LEAST:
        app.amqp.queues.deselect(nights_queue(settings))
        logs.get_logger().warning("worker_takes_no_nights", slots=slots, needed=_SLOTS_AT_LEAST)


@signals.beat_init.connect
def _tell_of_the_next(**_: object) -> None:
    start, zone = settings.night.start, settings.night.time_zone
    following = next_moment(start, zone, datetime.now(UTC)).isoformat()
    logs.get_logger().info(
        "beat_started", start=start, time_zone=zone, next_start=following, archives=settings.night.archives
    )
