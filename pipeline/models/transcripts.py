"""What the model said, and the sidecar that keeps it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, JsonValue

from pipeline.models.archives import AudioObject, Record
from pipeline.models.asked import Asked
from pipeline.models.jobs import PaidRequest, Recipe, StoryLine


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
    def has_speech(self) -> bool:
        """Whether the model heard any speech at all."""
        return bool(self.text.strip())


class Answer(Record):
    """A finished request: the transcript, the model's raw answer, and what fal measured."""

    transcript: Transcript
    raw: JsonValue
    asked: Asked = Asked()
    """What the arguments of the recipe asked for, read back from them."""
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


class Finding(Record):
    """One reason to doubt a transcript (docs/lint.md)."""

    name: str
    """The stable name of the doubt: `loop`, `truncated`, ..."""
    detail: str
    """The same for people, with figures."""
    at_s: float | None = None
    """Where in the audio it begins, if it is of one place."""


class Quality(Record):
    """What the transcript itself tells of its worth."""

    verdict: Literal["ok", "suspect", "no_speech"]
    """`suspect` is speech with findings. `no_speech` may have some too: ten minutes without a word are doubtful."""
    repairs: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class RecipeStamp(Record):
    """A recipe as stored in a sidecar, with its hash."""

    endpoint_id: str
    arguments: dict[str, JsonValue]
    hash: str

    @classmethod
    def of(cls, recipe: Recipe) -> RecipeStamp:
        """The stamp of a recipe."""
        return cls(endpoint_id=recipe.endpoint_id, arguments=recipe.arguments, hash=recipe.hash)


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
    stands_for: str | None = None
    """The hash of the recipe that was asked for, where this is a second opinion on what that one gave."""
    timings: Timings
    cost: Cost
    raw: JsonValue
    """The model's answer as it came, except that presigned URLs are redacted."""
    story: tuple[StoryLine, ...] = ()
    """What happened to the job, oldest first."""
    software: str
    """Name and version of what wrote this."""
    written_at: AwareDatetime
    seal: str | None = None
    """SHA-256 over all of the above. A file that somebody has edited is no longer ours to write over."""


class SidecarStamp(Record):
    """What a sidecar's S3 metadata tells, so that a HEAD suffices to know it: identity first, then a row's facts."""

    job_id: str
    object_etag: str
    recipe: str
    run_id: str
    endpoint_id: str
    request_id: str
    attempts: int
    duration_s: float | None
    words: int
    language: str | None
    speech: bool
    cost_usd: float | None
    processing_s: float
    written_at: AwareDatetime
    suspect: tuple[str, ...] = ()
    """The names of the findings, if there are any."""
    stands_for: str | None = None
    """See `Sidecar.stands_for`."""
