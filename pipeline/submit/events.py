"""What happens in a run, as whoever watches it is told."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.limits.base import BudgetUse
from pipeline.models import Job, ManifestRow, Skip, Untouched


@dataclass(frozen=True, slots=True)
class Skipped:
    """A decision not to transcribe."""

    skip: Skip


@dataclass(frozen=True, slots=True)
class Passed:
    """A decision not to transcribe any of many objects, for nothing has changed."""

    untouched: Untouched


@dataclass(frozen=True, slots=True)
class Enqueued:
    """A job went to the queue, or was there already from before."""

    job: Job


@dataclass(frozen=True, slots=True)
class SecondAsked:
    """The job of a second opinion went to the queue."""

    job: Job


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A job was planned and not sent, for the run's ceiling is reached, or its time is over."""

    job: Job


@dataclass(frozen=True, slots=True)
class SettledRow:
    """A worker has settled an object. Told again when Redis had forgotten that it was told."""

    row: ManifestRow


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; `queued` messages wait and `outstanding` jobs are not settled."""

    outstanding: int
    queued: int
    planned: bool
    """Whether the plan has been worked through."""
    budget: BudgetUse | None = None
    """How far the run's budget is used; None without a ceiling."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should read."""

    message: str


Event = Skipped | Passed | Enqueued | SecondAsked | LeftOut | SettledRow | Tick | Notice
