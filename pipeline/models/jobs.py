"""Decisions and what becomes of them: recipe, job, intent, failure, and the paid request."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import AwareDatetime, JsonValue

from pipeline.models.archives import AudioObject, Place, Record
from pipeline.models.prices import Price

SIDECAR_SCHEMA_VERSION = 1  # part of every recipe's hash: a new sidecar schema is a new recipe


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
    JSON = "json"
    """The transcript of Podcasting 2.0."""


class Handling(Record):
    """How a job is carried out, which changes nothing about what is transcribed: no part of a job's id."""

    delivery: Literal["presigned", "upload", "public"] = "presigned"
    """How fal gets at the audio."""
    wait: Literal["poll", "webhook"] = "poll"
    """How the worker learns that fal is done; with `webhook` it still polls, at a low rate."""
    store_io: bool = True
    """Whether fal may keep input and output for its history, which is what finds a request whose reply was lost."""
    delete_payloads: bool = False
    """Whether fal's copies of input and output are deleted once the sidecar is safe."""
    submit_before: AwareDatetime | None = None
    """From then on nothing is submitted for it; what fal has accepted is awaited. None: at any time."""

    def is_too_late(self, moment: datetime) -> bool:
        """Whether nothing is submitted any more at that moment."""
        return self.submit_before is not None and moment >= self.submit_before


class Job(Record):
    """The decision to transcribe one object version with one recipe; travels as JSON in the Celery message."""

    job_id: str
    """A hash of object version and recipe, nothing else: the same decision has the same id in every run."""
    run_id: str
    object: AudioObject
    recipe: Recipe
    output: Place
    formats: tuple[Format, ...] = ()
    handling: Handling = Handling()
    prices: tuple[Price, ...] = ()
    """What its run was planned with: the price of the recipe, where it is known, and of what may replace it."""
    prior_attempts: int = 0
    """Attempts that earlier runs spent on this job; this run's own attempts are counted after these."""
    budgeted: bool = False
    """Whether its run has a ceiling: then nothing is submitted without a reservation."""
    allow_rebill: bool = False
    """Whether a person has agreed to pay again where an earlier run has paid, or may have, for nothing."""
    is_forced: bool = False
    """Whether a person has agreed to pay for what is transcribed already; a sidecar of this run ends the job."""
    second_of: str | None = None
    """The hash of the recipe whose suspect transcript this job may replace; None for a first opinion."""
    planned_at: AwareDatetime | None = None
    planned_as: str | None = None
    """The name of how the plan found the object, for `nightscribe explain`; None when the job was sent again."""


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
    """Where an intent stands."""

    INTENDED = "intended"
    """The POST may or may not have happened."""
    WITHDRAWN = "withdrawn"
    """Nothing was sent, or fal has refused it: free to submit."""
    SUBMITTED = "submitted"
    FAILED = "failed"


class StoryLine(Record):
    """One line of a job's story, for `nightscribe explain`. Holds no secret."""

    at: AwareDatetime
    what: str
    """The stable name of what happened: planned, leased, intended, submitted, adopted, failed, ..."""
    detail: str = ""


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
    """SHA-256 of the audio's URL that was sent: finds the request in fal's history without storing the URL."""
    intended_at: AwareDatetime
    url_expires_at: AwareDatetime | None = None
    """From then on fal cannot open the URL, so that a POST which arrives late is not billed. None: never, for a public
    one; otherwise written by 0.1."""
    delivery: Literal["presigned", "upload", "public"] = "presigned"
    """How fal gets at the audio: a public URL never expires, and a POST which arrives late is billed."""
    reserved_usd: float | None = None
    """The cost that was reserved for this attempt; None when its price is unknown."""
    duration_s: float | None = None
    """The audio's length as the preflight found it, so that a resumed job need not look again."""
    store_io: bool = True
    """Whether fal was allowed to keep the input: without it no history can show this request."""
    webhook_token: str | None = None
    """The last part of the address that fal calls when this attempt's request ends; None when it calls nobody.

    Nobody can guess it, and nothing is lost when somebody learns it.
    """
    request: PaidRequest | None = None
    failure: Failure | None = None
    past: tuple[PaidRequest, ...] = ()
    """Accepted requests of earlier attempts."""
    story: tuple[StoryLine, ...] = ()
    """The job's story so far, oldest first."""
