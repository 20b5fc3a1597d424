"""The nouns: frozen records that cross a boundary (message, S3, manifest). Words as in ARCHITECTURE.md.

Everything here is plain data with a schema version where it is stored. No I/O, no clock, no rules beyond shape.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

SIDECAR_SCHEMA_VERSION = 1
INTENT_SCHEMA_VERSION = 1
MANIFEST_SCHEMA_VERSION = 1


class Record(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class AudioObject(Record):
    """One version of one audio object in S3."""

    bucket: str
    key: str
    etag: str
    """Without the quotes that S3 puts around it. Not a content hash for multipart uploads."""
    size_bytes: int = Field(ge=0)
    last_modified: AwareDatetime
    """Shown, never trusted: for a multipart upload it is the time when the upload began."""
    version_id: str | None = None

    @property
    def uri(self) -> str:
        """`s3://bucket/key`, for people."""
        return f"s3://{self.bucket}/{self.key}"


class Place(Record):
    """Where results go: a bucket and a prefix that is put before the object's own key (may be empty)."""

    bucket: str
    prefix: str = ""


class Recipe(Record):
    """How to transcribe: endpoint and arguments without the audio URL."""

    endpoint_id: str
    arguments: dict[str, JsonValue]
    schema_version: int = SIDECAR_SCHEMA_VERSION

    @cached_property
    def hash(self) -> str:
        """16 hex digits over endpoint, arguments and schema version; equal recipes have equal hashes."""
        canonical = json.dumps(
            [self.endpoint_id, self.arguments, self.schema_version], sort_keys=True, separators=(",", ":")
        )
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


class Format(StrEnum):
    """Derived views of a transcript, written beside the sidecar on demand."""

    VTT = "vtt"
    SRT = "srt"
    TXT = "txt"


class Job(Record):
    """The decision to transcribe one object version with one recipe; travels as JSON in the Celery message."""

    job_id: str
    """A hash of object version and recipe, nothing else: the same decision has the same id in every run."""
    run_id: str
    object: AudioObject
    recipe: Recipe
    output: Place
    formats: tuple[Format, ...] = ()
    prior_attempts: int = 0
    """Attempts that earlier runs spent on this job; this run's own attempts are counted after these."""


class SkipReason(StrEnum):
    """Why an object is not transcribed in this run."""

    CURRENT = "current"
    FAILED_BEFORE = "failed_before"
    UNCERTAIN = "uncertain"
    EMPTY_OBJECT = "empty_object"
    TOO_LARGE = "too_large"
    FOREIGN_SIDECAR = "foreign_sidecar"
    KEY_TOO_LONG = "key_too_long"
    EXCLUDED = "excluded"
    OVER_LIMIT = "over_limit"


class State(StrEnum):
    """The state of one object in the manifest."""

    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    """A paid request may exist whose reply was lost; never submitted again on a guess."""
    SKIPPED = "skipped"
    PENDING = "pending"
    """Planned, and not settled when the manifest was written; the next run goes on with it."""


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


class Skip(Record):
    """The decision not to transcribe an object now, with the row that the manifest will hold for it."""

    reason: SkipReason
    row: ManifestRow


class PaidRequest(Record):
    """A request that fal accepted. Its URLs are fal's own and are followed, never rebuilt (docs/fal.md)."""

    request_id: str
    endpoint_id: str
    status_url: str
    response_url: str
    cancel_url: str
    submitted_at: AwareDatetime


class Failure(Record):
    """What ended an attempt: the error's class name and reason decide retrying, the message is for people."""

    kind: str
    reason: str
    message: str
    delay_s: float | None = None


class IntentState(StrEnum):
    """Where an intent stands: `intended` (the POST may or may not have happened), `submitted`, `failed`."""

    INTENDED = "intended"
    SUBMITTED = "submitted"
    FAILED = "failed"


class Intent(Record):
    """The durable record in S3, written before the paid POST, that a job is being submitted."""

    schema_version: Literal[1] = 1
    job_id: str
    object: AudioObject
    recipe: Recipe
    run_id: str
    owner: str
    """The worker that wrote it."""
    state: IntentState
    attempt: int
    url_hash: str
    """SHA-256 of the presigned URL that was sent: finds the request in fal's history without storing the URL."""
    intended_at: AwareDatetime
    request: PaidRequest | None = None
    failure: Failure | None = None
    past: tuple[PaidRequest, ...] = ()
    """Accepted requests of earlier attempts."""


class Word(Record):
    """One recognised word; seconds from the start of the audio."""

    start: float
    end: float
    text: str
    probability: float | None = None


class Segment(Record):
    """One stretch of speech; seconds from the start of the audio."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    words: tuple[Word, ...] | None = None


class Transcript(Record):
    """What the model said, normalised: 0 <= start < end, in order (I12); repairs name what had to be mended."""

    text: str
    language: str | None = None
    segments: tuple[Segment, ...] = ()
    repairs: tuple[str, ...] = ()

    @property
    def word_count(self) -> int:
        """Words in the text, split at white space."""
        return len(self.text.split())

    @property
    def has_speech(self) -> bool:
        """Whether the model heard any speech at all."""
        return bool(self.text.strip())


class Answer(Record):
    """A finished request: the transcript, the model's raw answer, and what fal measured."""

    transcript: Transcript
    raw: JsonValue
    inference_s: float | None = None
    """fal's own measure of the processing time."""
    billable_units: float | None = None
    """From `x-fal-billable-units`; its unit depends on the model."""


class Timings(Record):
    """When the parts of a job happened; UTC."""

    submitted_at: AwareDatetime
    fetched_at: AwareDatetime
    processing_s: float
    """From submission to result, as seen from here."""
    inference_s: float | None = None


class Cost(Record):
    """What the request cost, and how that is known. `usd` is None when no price is configured."""

    usd: float | None
    basis: str
    billable_units: float | None = None


class Quality(Record):
    """Findings about the transcript itself."""

    verdict: Literal["ok", "no_speech"]
    repairs: tuple[str, ...] = ()


class RecipeStamp(Record):
    """A recipe as stored in a sidecar, with its hash."""

    endpoint_id: str
    arguments: dict[str, JsonValue]
    hash: str


class Sidecar(Record):
    """The result beside the audio, at `KEY.transcript.json`. Its JSON Schema is docs/schemas/sidecar.schema.json."""

    schema_version: Literal[1] = 1
    job_id: str
    run_id: str
    object: AudioObject
    recipe: RecipeStamp
    request: PaidRequest
    attempts: int
    duration_s: float | None
    text: str
    language: str | None
    segments: tuple[Segment, ...]
    quality: Quality
    timings: Timings
    cost: Cost
    raw: JsonValue
    """The model's answer as it came, except that presigned URLs are redacted."""
    software: str
    """Name and version of what wrote this."""
    written_at: AwareDatetime


class ManifestPart(Record):
    """One part file of a manifest: gzipped JSON lines of `ManifestRow` in key order."""

    name: str
    rows: int
    first_key: str
    last_key: str
    sha256: str
    size_bytes: int


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
    """False when objects were still pending, for instance after --limit."""
    totals: Totals
    this_run: Totals
    """The same sums over the rows that this run settled."""
    parts: tuple[ManifestPart, ...]
    software: str


class Latest(Record):
    """The pointer to an archive's newest manifest."""

    schema_version: Literal[1] = 1
    run_id: str
    manifest_key: str
    finished_at: AwareDatetime


def utc_iso(moment: datetime) -> str:
    """ISO 8601 in UTC to the second, for people and file names."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
