"""Watching the workers: that there is one, and that each takes jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.errors import ConfigurationError
from pipeline.runs.base import WorkerSummary
from pipeline.settings import RunSettings
from pipeline.submit.events import Event, Notice


@dataclass(slots=True)
class WorkersWatch:
    """What was seen of the workers so far. Says each thing once, until it has changed."""

    rhythm: RunSettings
    _missing_since: float | None = None
    _said_missing: bool = False
    _stuck: set[str] = field(default_factory=set)

    def look(self, workers: Sequence[WorkerSummary], now: float) -> Iterator[Event]:
        """Judges the workers that are alive at `now` (a monotonic clock, seconds), while jobs wait for them.

        Raises `ConfigurationError` when there has been none for `run.worker_wait_s`.
        """
        if workers:
            self._missing_since, self._said_missing = None, False
            yield from self._look_at_stuck({worker.name for worker in workers if worker.is_stuck})
            return
        if self._missing_since is None:
            self._missing_since = now
        missing_s = now - self._missing_since
        if missing_s >= self.rhythm.worker_wait_s:
            raise ConfigurationError(
                f"No worker has been running for {missing_s:.0f} s, so nothing is transcribed. The jobs stay queued. "
                "Start a worker with `make worker`, then run the same command again: it goes on where it stopped.",
                "no_worker",
            )
        if missing_s >= self.rhythm.worker_warn_s and not self._said_missing:
            self._said_missing = True
            yield Notice(
                "No worker is running, so nothing is transcribed yet. Start one with `make worker` "
                f"(waiting {self.rhythm.worker_wait_s - missing_s:.0f} s more)."
            )

    def _look_at_stuck(self, stuck: set[str]) -> Iterator[Event]:
        for name in sorted(stuck - self._stuck):
            yield Notice(f"Worker {name} is alive but takes no jobs from the queue any more. Restart it.")
        self._stuck = stuck
