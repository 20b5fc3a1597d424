"""What a run works with: the live state and the queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.limits.redis import RedisPermits
from pipeline.limits.redis_budget import RedisBudget
from pipeline.queue.celery import CeleryQueue
from pipeline.runs.redis import RedisRuns
from pipeline.settings import Settings
from pipeline.wiring.queue import open_queue
from pipeline.wiring.redis import make_budget, make_client, make_permits, make_runs


@dataclass(frozen=True, slots=True)
class DispatcherParts:
    """The live state and the queue."""

    runs: RedisRuns
    queue: CeleryQueue
    permits: RedisPermits
    budget: RedisBudget
    close_redis: Callable[[], None]

    def close(self) -> None:
        """Closes all connections."""
        self.queue.close()
        self.close_redis()


def open_dispatcher(settings: Settings) -> DispatcherParts:
    """The live state and the queue, which the caller closes."""
    client = make_client(settings)
    return DispatcherParts(
        runs=make_runs(settings, client),
        queue=open_queue(settings),
        permits=make_permits(settings, client),
        budget=make_budget(settings, client),
        close_redis=client.close,
    )
