"""What `watch` asks of Redis, every second, without changing anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.limits.base import Permits
from pipeline.queue.base import JobQueue
from pipeline.runs.base import Runs
from pipeline.settings import Settings
from pipeline.wiring.live import for_a_glance
from pipeline.wiring.queue import open_queue
from pipeline.wiring.redis import make_client, make_permits, make_runs


@dataclass(frozen=True, slots=True)
class WatchParts:
    """The live state and the queue, to be read."""

    runs: Runs
    permits: Permits
    queue: JobQueue
    close: Callable[[], None]


def open_watch(settings: Settings) -> WatchParts:
    """The live state and the queue, which the caller closes; a server that is away is noticed soon."""
    settings = for_a_glance(settings)
    client, queue = make_client(settings), open_queue(settings)

    def close() -> None:
        queue.close()
        client.close()

    return WatchParts(make_runs(settings, client), make_permits(settings, client), queue, close)
