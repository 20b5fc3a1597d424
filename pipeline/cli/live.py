"""A glance at Redis for one object: whether an open run waits for it, and who works on it. Redis may be away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.explain import Live
from pipeline.models import ManifestRow, Place
from pipeline.runs.base import RunSummary
from pipeline.wiring.live import LiveParts

_Answer = TypeVar("_Answer")

_UNREAD_ROWS = 2000  # a dispatcher reads its rows every half second; a dead one leaves no more than the queue holds


@dataclass
class Glance:
    """Asks until Redis fails to answer, and then no more. For several threads; the caller closes it."""

    open: Callable[[], LiveParts]
    recording: Place
    note: str | None = None
    """Why Redis does not tell."""
    _parts: LiveParts | None = None
    _runs: list[RunSummary] = field(default_factory=list)

    def archives(self) -> list[Place]:
        """The archives of open runs that hold the object. To be asked first."""
        self._runs = self._asked(self._runs_that_hold_it) or []
        return [archive_of(run) for run in self._runs]

    def unread_row(self, run_id: str, key: str) -> ManifestRow | None:
        """The newest row of the key that a worker has handed in and no dispatcher has kept yet."""
        rows = self._asked(lambda parts: parts.runs.rows(run_id, 0, _UNREAD_ROWS)) or []
        return next((row for row in reversed(rows) if row.key == key), None)

    def live(self, job_ids: Sequence[str]) -> Live | None:
        """What is going on with the object; None when Redis does not tell."""
        return self._asked(lambda parts: self._live(parts, job_ids))

    def close(self) -> None:
        """Closes the connections."""
        if self._parts is not None:
            self._parts.close()

    def _runs_that_hold_it(self, parts: LiveParts) -> list[RunSummary]:
        runs = parts.runs.summaries()
        return [run for run in runs if _holds(archive_of(run), self.recording)]

    def _live(self, parts: LiveParts, job_ids: Sequence[str]) -> Live:
        run, job_id = self._run_that_waits(parts, job_ids)
        budget = parts.budget.use(run.run_id) if run else None
        return Live(
            workers=len(parts.runs.workers()),
            permits=parts.permits.use(),
            stop_order=parts.runs.stop_order(),
            run=run,
            budget_is_reached=budget is not None and budget.is_reached,
            job_id=job_id,
            holder=parts.leases.holder(job_id) if job_id else None,
        )

    def _run_that_waits(self, parts: LiveParts, job_ids: Sequence[str]) -> tuple[RunSummary | None, str | None]:
        """The open run that waits for one of the jobs, and the job; else any open run that holds the object."""
        for run in self._runs:
            known = parts.runs.known(run.run_id, job_ids)
            if known:
                return run, min(known)
        return (self._runs[0] if self._runs else None), None

    def _asked(self, question: Callable[[LiveParts], _Answer]) -> _Answer | None:
        if self.note is not None:
            return None
        try:
            self._parts = self._parts or self.open()
            return question(self._parts)
        except (ServiceUnavailableError, ConfigurationError) as error:
            self.note = f"What is going on now is not known: {error.message}"
            return None


def archive_of(run: RunSummary) -> Place:
    """The archive of an open run."""
    bucket, _, prefix = run.archive_uri.removeprefix("s3://").partition("/")
    return Place(bucket=bucket, prefix=prefix)


def _holds(archive: Place, recording: Place) -> bool:
    return archive.bucket == recording.bucket and recording.prefix.startswith(archive.prefix)
