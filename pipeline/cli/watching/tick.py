"""One look at the live state. As JSON it is a line of `nightscribe watch --json` (docs/schemas/watch.schema.json)."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime

from pipeline.limits.base import PermitUse
from pipeline.models import Phase, Progress
from pipeline.models.archives import Record
from pipeline.runs.base import RunSummary, StopOrder, WorkerSummary


class Standing(StrEnum):
    """How a run stands."""

    PLANNING = "planning"
    """It looks through the archive, and sends jobs."""
    TRANSCRIBING = "transcribing"
    """All is planned and sent."""
    ABANDONED = "abandoned"
    """It is open, and its dispatcher is gone: workers finish what was sent, and nobody sends the rest."""
    DONE = "done"
    STOPPED = "stopped"
    """It can be continued; `progress.said` tells why it stopped."""
    VANISHED = "vanished"
    """It is not open any more, and ended without a word."""

    @property
    def is_open(self) -> bool:
        """Whether anything is still to be expected of the run."""
        return self in {Standing.PLANNING, Standing.TRANSCRIBING, Standing.ABANDONED}


class WatchedRun(Record):
    """A run that is open, or that ended in the last day."""

    run_id: str
    archive_uri: str
    endpoint_id: str
    standing: Standing
    dispatcher_alive: bool
    outstanding: int
    """Jobs that are not settled, counted at this moment."""
    progress: Progress | None
    """What its dispatcher told last; None before its first word."""

    @classmethod
    def of(cls, progress: Progress | None, summary: RunSummary | None) -> WatchedRun:
        """Joins what the dispatcher told and what is noted of the open run; one of them at least is there."""
        if summary is None and progress is not None:
            return cls(
                run_id=progress.run_id,
                archive_uri=progress.archive.uri,
                endpoint_id=progress.endpoint_id,
                standing=_standing(progress, None),
                dispatcher_alive=False,
                outstanding=0,
                progress=progress,
            )
        if summary is None:
            raise ValueError("there is nothing to tell of a run")
        return cls(
            run_id=summary.run_id,
            archive_uri=summary.archive_uri,
            endpoint_id=summary.endpoint_id,
            standing=_standing(progress, summary),
            dispatcher_alive=summary.dispatcher_alive,
            outstanding=summary.outstanding,
            progress=progress,
        )


class Tick(Record):
    """One look."""

    schema_version: Literal[1] = 1
    at: AwareDatetime
    seen_at: AwareDatetime
    """When Redis answered last: earlier than `at` while it is away, and all below is of that time."""
    trouble: str | None = None
    """Why Redis does not answer now."""
    queued: int
    """Messages that wait for a worker, of all runs."""
    permits: PermitUse
    stop_order: StopOrder | None
    workers: tuple[WorkerSummary, ...]
    runs: tuple[WatchedRun, ...]
    """Oldest first."""

    @property
    def open_runs(self) -> list[WatchedRun]:
        """Those of which something is still to be expected."""
        return [run for run in self.runs if run.standing.is_open]


def _standing(progress: Progress | None, summary: RunSummary | None) -> Standing:
    phase = progress.phase if progress else Phase.PLANNING
    if phase is Phase.DONE:
        return Standing.DONE
    if summary is None:
        return Standing.STOPPED if phase is Phase.STOPPED else Standing.VANISHED
    if not summary.dispatcher_alive:
        return Standing.STOPPED if phase is Phase.STOPPED else Standing.ABANDONED
    # One that was stopped and has a dispatcher is being continued; that one has not told anything yet.
    return Standing.TRANSCRIBING if phase is Phase.TRANSCRIBING else Standing.PLANNING
