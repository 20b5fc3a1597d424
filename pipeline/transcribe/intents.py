"""The intent: its transitions (pure functions) and its place in S3 (conditional writes only).

    nothing ─intend─▶ intended ─submitted─▶ submitted ─delete, once the row is reported─▶ nothing
               ▲          │                     │
               │          └─delete, when fal has refused: nothing was accepted
               └──────intend, a new attempt── failed ◀─failed─┘

A failed intent stays as a tombstone, so that a repeated message reports the failure instead of paying again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline import keys, retry
from pipeline.models import Failure, Intent, IntentState, Job, PaidRequest
from pipeline.settings import RetrySettings
from pipeline.storage.base import PreconditionFailedError, Storage


@dataclass(frozen=True, slots=True)
class Submit:
    """No request of this run stands in the way: submit this attempt (counted from 1 over all runs)."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Resume:
    """A request was accepted: wait for it, never submit again."""

    request: PaidRequest


@dataclass(frozen=True, slots=True)
class AskLater:
    """Somebody may be in the middle of the POST; look again after that many seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Park:
    """The reply to the POST was lost and cannot come any more: uncertain."""


@dataclass(frozen=True, slots=True)
class Report:
    """This run has failed on the job already: report it, spend nothing."""

    failure: Failure
    attempts: int


Step = Submit | Resume | AskLater | Park | Report


def next_step(intent: Intent | None, job: Job, now: datetime, *, reply_within_s: float, policy: RetrySettings) -> Step:
    """Decides what a worker that holds the job's lease does next. Pure.

    `reply_within_s` is how long after the intent a POST can still be under way.
    """
    if intent is None:
        return Submit(job.prior_attempts + 1)
    if intent.state is IntentState.SUBMITTED and intent.request is not None:
        return Resume(intent.request)
    if intent.state is IntentState.INTENDED:
        left_s = reply_within_s - (now - intent.intended_at).total_seconds()
        return AskLater(left_s) if left_s > 0 else Park()
    spent_here = intent.attempt - job.prior_attempts
    if intent.failure is None or spent_here <= 0 or retry.may_try_again(intent.failure, spent_here, policy):
        return Submit(intent.attempt + 1)
    return Report(intent.failure, intent.attempt)


def intended(
    job: Job, previous: Intent | None, *, attempt: int, url: str, owner: str, now: datetime, duration_s: float | None
) -> Intent:
    """The record that must be in S3 before the POST."""
    past = previous.past + ((previous.request,) if previous.request else ()) if previous else ()
    return Intent(
        job_id=job.job_id,
        object=job.object,
        recipe=job.recipe,
        run_id=job.run_id,
        owner=owner,
        state=IntentState.INTENDED,
        attempt=attempt,
        url_hash=keys.url_hash(url),
        intended_at=now,
        duration_s=duration_s,
        past=past,
    )


def submitted(intent: Intent, request: PaidRequest) -> Intent:
    """The record once fal has accepted the request."""
    return intent.model_copy(update={"state": IntentState.SUBMITTED, "request": request})


def failed(intent: Intent, failure: Failure) -> Intent:
    """The record once the request has failed for good."""
    return intent.model_copy(update={"state": IntentState.FAILED, "failure": failure})


@dataclass(frozen=True, slots=True)
class Kept:
    """An intent as it lies in S3."""

    intent: Intent
    etag: str


class IntentBook:
    """Intents in S3, under the output place of their job."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def read(self, job: Job) -> Kept | None:
        """The intent of a job; None when there is none."""
        stored = self._storage.read(job.output.bucket, keys.intent_key(job))
        return Kept(Intent.model_validate_json(stored.body), stored.etag) if stored else None

    def write(self, job: Job, intent: Intent, previous_etag: str | None) -> Kept:
        """Writes on the condition that nobody else has. Raises `PreconditionFailedError` when somebody did.

        A write of our own whose reply was lost, and which botocore then sent again, loses against itself; it is
        recognised by its content (owner, moment and URL hash make it unique).
        """
        body = intent.model_dump_json(indent=1).encode()
        try:
            etag = self._storage.write(
                job.output.bucket, keys.intent_key(job), body, content_type="application/json", if_match=previous_etag
            )
        except PreconditionFailedError:
            kept = self.read(job)
            if kept is None or kept.intent != intent:
                raise
            return kept
        return Kept(intent, etag)

    def delete(self, job: Job) -> None:
        """Forgets the intent of a job."""
        self._storage.delete(job.output.bucket, keys.intent_key(job))
