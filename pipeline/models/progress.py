"""How far a run is, as its dispatcher tells whoever watches: the live view, the metrics."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import AwareDatetime, Field

from pipeline.models.archives import Place, Record
from pipeline.models.manifests import ManifestRow, State


class Phase(StrEnum):
    """What a run is doing."""

    PLANNING = "planning"
    TRANSCRIBING = "transcribing"
    """All is planned and sent."""
    DONE = "done"
    STOPPED = "stopped"
    """By its ceiling, its deadline, the account, an interruption, or a service that is away."""


class Trouble(Record):
    """An object that did not become a transcript."""

    most_told: ClassVar[int] = 10
    """How many a run tells of, so that its record stays below some kilobytes."""

    key: str
    state: State
    reason: str
    message: str
    at: AwareDatetime | None = None

    @classmethod
    def of(cls, row: ManifestRow) -> Trouble:
        """What a row tells of its object."""
        return cls(key=row.key, state=row.state, reason=row.reason or "", message=row.message or "", at=row.settled_at)


class Progress(Record):
    """How far a run is. Its size does not grow with the run."""

    run_id: str
    archive: Place
    output: Place
    endpoint_id: str
    phase: Phase
    said: str = ""
    """Why it has stopped, for people. Free of secrets."""
    started_at: AwareDatetime
    updated_at: AwareDatetime
    by_state: dict[str, int] = Field(default_factory=dict)
    """Objects that this run has settled, by state; those that an earlier dispatcher settled are not among them."""
    by_reason: dict[str, int] = Field(default_factory=dict)
    """Those that are no transcripts, by reason."""
    enqueued: int = 0
    outstanding: int = 0
    queued: int = 0
    skipped: int = 0
    gone: int = 0
    suspect: int = 0
    audio_s: float = 0.0
    cost_usd: float = 0.0
    cost_unknown: bool = False
    """Whether the cost of something that was transcribed is not known."""
    audio_s_per_s: float | None = None
    """Over the last minute: how much faster than listening. None before the second look."""
    left_s: float | None = None
    """Seconds until the end at the pace so far; None while planning or before the first result."""
    ceiling_usd: float | None = None
    ceiling_audio_s: float | None = None
    spent_usd: float = 0.0
    """Under a ceiling: what counts against it, by all dispatchers of the run; likewise the next three."""
    reserved_usd: float = 0.0
    spent_audio_s: float = 0.0
    reserved_audio_s: float = 0.0
    troubles: tuple[Trouble, ...] = ()
    """The newest ones, newest first."""
