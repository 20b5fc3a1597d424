"""The state of an archive after a run: rows, parts, totals, and the pointer to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from pipeline.models.archives import Place, Record
from pipeline.models.transcripts import RecipeStamp


class State(StrEnum):
    """The state of one object in the manifest."""

    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """A paid request may exist whose reply was lost; the next run asks fal's history, and guesses nothing."""
    SKIPPED = "skipped"
    PENDING = "pending"
    """Planned, and not settled when the manifest was written; the next run goes on with it."""


PLANNED = "planned"  # the reason of a pending row whose job was sent


class ManifestRow(Record):
    """One object of the archive after a run: its state, why, and what it cost. Queryable as it lies."""

    bucket: str
    key: str
    etag: str
    size_bytes: int
    last_modified: AwareDatetime
    version_id: str | None = None
    state: State
    reason: str | None = None
    """The stable name of why it is in this state; None for a plain success."""
    message: str | None = None
    """The same for people: what happened and what to do. Free of secrets."""
    permanent: bool = False
    """For `failed`: the object itself is at fault, so that only retry-failed tries again."""
    job_id: str | None = None
    run_id: str | None = None
    """The run that settled it."""
    endpoint_id: str | None = None
    recipe: str | None = None
    """The recipe's hash."""
    request_id: str | None = None
    attempts: int = 0
    duration_s: float | None = None
    words: int | None = None
    language: str | None = None
    speech: bool | None = None
    """False when the model heard no speech, which is a result and not an error."""
    cost_usd: float | None = None
    """None when no price is configured for the endpoint."""
    processing_s: float | None = None
    """From submission to result, seconds."""
    sidecar_key: str | None = None
    sidecar_etag: str | None = None
    settled_at: AwareDatetime | None = None
    suspect: tuple[str, ...] = ()
    """The names of the doubts about the transcript (docs/lint.md)."""
    stands_for: str | None = None
    """The hash of the recipe that was asked for, where a second opinion with `recipe` has taken its place."""
    second_tried: str | None = None
    """The hash of the recipe of a second opinion that was asked for and did not replace this one."""

    @property
    def is_unsettled(self) -> bool:
        """Whether its job was sent to the workers and has not come back."""
        return self.state is State.PENDING and self.reason == PLANNED


class Block(Record):
    """Rows of a part that follow one another, can be unpacked without the others, and are recognised without it.

    The blocks of a part follow each other and are all of it, but for the end of the gzip file.
    """

    rows: int
    last_key: str
    size_bytes: int
    """Packed, in the part. That of the first one begins with the head of the gzip file."""
    fingerprint: str | None = None
    """Of what a listing shows while nothing has changed (`pipeline.blocks`); None: too much is in `others`."""
    recipe: str | None = None
    """The recipe's hash for which all are current, but for `others`."""
    largest_bytes: int = 0
    """The size of the largest audio among these."""
    others: tuple[int, ...] = ()
    """The numbers of the rows, from 0, that are not simply current with their sidecar beside them."""


class ManifestPart(Record):
    """One part file of a manifest: gzipped JSON lines of `ManifestRow` in key order."""

    name: str
    rows: int
    first_key: str
    last_key: str
    sha256: str
    size_bytes: int
    blocks: tuple[Block, ...] = ()
    """Empty in a manifest that an earlier version wrote."""


class Totals(Record):
    """Sums over the rows of a manifest."""

    objects: int = 0
    by_state: dict[str, int] = Field(default_factory=dict)
    by_reason: dict[str, int] = Field(default_factory=dict)
    size_bytes: int = 0
    audio_s: float = 0.0
    words: int = 0
    cost_usd: float = 0.0
    cost_unknown: int = 0
    """Transcribed objects without a known price."""
    suspect: int = 0
    """Transcribed objects whose transcript is doubtful."""


class Changes(Record):
    """How a manifest differs from the one that it follows, in objects; one that is new and fails counts twice."""

    base_run_id: str | None
    """The run of the manifest before; None: this is the first."""
    before: Totals
    """The totals of the manifest before."""
    new: int = 0
    """Objects that it did not hold."""
    replaced: int = 0
    """Whose audio is another than before: ETag, size or version."""
    recipe_changed: int = 0
    """Transcribed before and now, the same audio with another recipe."""
    gone: int = 0
    recovered: int = 0
    """Failed or uncertain before, and transcribed now."""
    newly_failing: int = 0
    """Failed or uncertain now, and not before."""


class Manifest(Record):
    """The state of the whole archive after a run; written last, after its parts."""

    schema_version: Literal[1] = 1
    run_id: str
    archive: Place
    output: Place
    recipe: RecipeStamp
    started_at: AwareDatetime
    finished_at: AwareDatetime
    complete: bool
    """False when objects were still pending, as after --limit, or when the run had no time for what failed before."""
    totals: Totals
    this_run: Totals
    """The same sums over the rows that this run settled."""
    changes: Changes | None = None
    """None: written by 0.1, made anew from the sidecars, or by a run that had died in between."""
    parts: tuple[ManifestPart, ...]
    software: str


class Latest(Record):
    """The pointer to an archive's newest manifest."""

    schema_version: Literal[1] = 1
    run_id: str
    manifest_key: str
    manifest_sha256: str | None = None
    """Of `manifest.json`; None: written by 0.1."""
    finished_at: AwareDatetime
    looked_at: AwareDatetime | None = None
    """When a later run last found that nothing had changed since; it writes no manifest."""


class UnfinishedRun(Record):
    """The identity of a run that has begun and not finished, in S3, so that it can be continued without Redis."""

    schema_version: Literal[1] = 1
    run_id: str
    recipe: str
    """The recipe's hash: another recipe is another run."""
    started_at: AwareDatetime
    has_ceiling: bool = False
    """Whether its jobs were sent under a ceiling, as its last dispatcher sent them."""
