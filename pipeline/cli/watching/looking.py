"""Asks Redis how things stand. Once it has answered, its absence is news to be shown and no error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pipeline.cli.watching.tick import Tick, WatchedRun
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.limits.base import Permits
from pipeline.models import Phase, Place, Progress
from pipeline.queue.base import JobQueue
from pipeline.runs.base import Runs, RunSummary

_Kept = TypeVar("_Kept", Progress, RunSummary)
_ENDED = {Phase.DONE, Phase.STOPPED}


@dataclass
class Lookout:
    """Looks, again and again, at the runs within or around `place`; at all runs when it is None."""

    runs: Runs
    permits: Permits
    queue: JobQueue
    place: Place | None
    now: Callable[[], datetime]
    _last: Tick | None = None

    def look(self) -> Tick:
        """How things stand. At the first look it raises `ServiceUnavailableError` or `ConfigurationError`."""
        try:
            self._last = self._asked()
        except (ServiceUnavailableError, ConfigurationError) as error:
            if self._last is None:
                raise
            return self._last.model_copy(update={"at": self.now(), "trouble": error.message})
        return self._last

    def _asked(self) -> Tick:
        runs = self._watched()
        order, workers, permits = self.runs.stop_order(), self.runs.workers(), self.permits.use()
        # Last, for the broker's client tries for long when Redis is away.
        queued, now = self.queue.depth(), self.now()
        return Tick(
            at=now,
            seen_at=now,
            queued=queued,
            permits=permits,
            stop_order=order,
            workers=tuple(workers),
            runs=tuple(run for run in runs if self._is_wanted(run.archive_uri)),
        )

    def _watched(self) -> list[WatchedRun]:
        told, noted = self._told_and_noted()
        if any(progress.phase not in _ENDED and run_id not in noted for run_id, progress in told.items()):
            told, noted = self._told_and_noted()  # one began between the two questions, or one has really vanished
        return [WatchedRun.of(told.get(run_id), noted.get(run_id)) for run_id in sorted({*told, *noted})]

    def _told_and_noted(self) -> tuple[dict[str, Progress], dict[str, RunSummary]]:
        """In this order one that ends meanwhile is seen as ended, not as vanished."""
        noted = _by_id(self.runs.summaries())
        return _by_id(self.runs.progress()), noted

    def _is_wanted(self, uri: str) -> bool:
        return self.place is None or uri.startswith(self.place.uri) or self.place.uri.startswith(uri)


def _by_id(found: Sequence[_Kept]) -> dict[str, _Kept]:
    return {each.run_id: each for each in found}
