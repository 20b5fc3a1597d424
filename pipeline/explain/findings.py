"""What was found out about one object: S3 tells what is and what was, Redis what is going on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.limits.base import PermitUse
from pipeline.models import AudioObject, Intent, ManifestRow, Place, Sidecar, SidecarStamp, UnfinishedRun
from pipeline.runs.base import RunSummary, StopOrder


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A transcript that was paid for and kept apart, for its place was taken or its audio replaced."""

    uri: str
    sidecar: Sidecar


@dataclass(frozen=True, slots=True)
class Live:
    """What Redis tells of the object's archive and of one of its jobs."""

    workers: int = 0
    permits: PermitUse | None = None
    stop_order: StopOrder | None = None
    run: RunSummary | None = None
    """The open run of an archive that holds the object; the one that waits for the object before any other."""
    budget_is_reached: bool = False
    job_id: str | None = None
    """The job that the run still waits for."""
    holder: str | None = None
    """The worker that has it now."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is known of one object. Nothing in it was guessed; what could not be read is in `notes`."""

    recording: Place
    """The object: its bucket, and its key as `prefix`."""
    archive: Place
    """The archive that it belongs to, as far as anything tells; otherwise its bucket."""
    output: Place
    is_audio: bool
    """Whether the key ends like audio: only then a run looks at it."""
    now: datetime
    audio: AudioObject | None = None
    """The object as it is now; None when it does not exist."""
    stamp: SidecarStamp | None = None
    sidecar: Sidecar | None = None
    has_foreign_sidecar: bool = False
    """A file that Nightscribe did not write stands where the sidecar goes."""
    unplaced: tuple[Unplaced, ...] = ()
    intents: tuple[Intent, ...] = ()
    decided_at: Mapping[str, datetime] = field(default_factory=dict)
    """By job id: when an intent without a request can be submitted anew, if fal's history does not show it."""
    row: ManifestRow | None = None
    row_source: str = ""
    """Where the row was found, for people."""
    unfinished: UnfinishedRun | None = None
    """The archive's run that has begun and not finished."""
    live: Live | None = None
    """None when Redis did not answer."""
    notes: tuple[str, ...] = ()
    """What could not be read, and what was not looked at."""

    @property
    def uri(self) -> str:
        """`s3://bucket/key`, for people."""
        return self.recording.uri

    @property
    def has_anything(self) -> bool:
        """Whether there is anything to tell."""
        is_outstanding = self.live is not None and self.live.job_id is not None
        stored = (self.audio, self.stamp, self.row)
        return is_outstanding or any(stored) or bool(self.intents or self.unplaced or self.has_foreign_sidecar)

    @property
    def etag_of_story(self) -> str | None:
        """The version of the audio that the story is about: the newest that anything tells of."""
        told = [(intent.intended_at, intent.object.etag) for intent in self.intents]
        if self.stamp is not None:
            told.append((self.stamp.written_at, self.stamp.object_etag))
        if self.row is not None and self.row.settled_at is not None:
            told.append((self.row.settled_at, self.row.etag))
        if told:
            return max(told)[1]
        return self.row.etag if self.row else None
