"""What `status` asks of Redis: without the broker's client, which takes longer to load than all the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.limits.base import Budget, Permits
from pipeline.queue.base import QueueWatch
from pipeline.runs.base import Runs
from pipeline.settings import Settings
from pipeline.wiring.redis import make_budget, make_client, make_permits, make_queue_watch, make_runs


@dataclass(frozen=True, slots=True)
class StatusParts:
    """The live state and the queue, to be read."""

    runs: Runs
    permits: Permits
    budget: Budget
    queue: QueueWatch
    close: Callable[[], None]


def open_status(settings: Settings) -> StatusParts:
    """The live state and the queue, which the caller closes."""
    client = make_client(settings)
    return StatusParts(
        runs=make_runs(settings, client),
        permits=make_permits(settings, client),
        budget=make_budget(settings, client),
        queue=make_queue_watch(settings, client),
        close=client.close,
    )
