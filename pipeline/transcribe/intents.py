"""The intent: its transitions (pure functions) and its place in S3 (conditional writes only).

    nothing ─intend─▶ intended ─submitted─▶ submitted ─deleted by the dispatcher, once the row is safe─▶ nothing
               ▲         │  ▲                   │
               │         │  └─────intend────────┼──── failed ◀─failed─┘      a tombstone: a repeated message reports
               │         └─withdrawn (nothing was accepted)                  the failure instead of paying again
               └──intend──────┘

A worker never deletes one: it only rewrites what it has read, so that of two workers one loses and knows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline import keys, retry
from pipeline.errors import LaterRuns
from pipeline.models import Failure, Intent, IntentState, Job, PaidRequest, StoryLine
from pipeline.settings import Settings
from pipeline.storage.base import PreconditionFailedError, Storage


@dataclass(frozen=True, slots=True)
class Submit:
    """Nothing stands in the way: submit this attempt (counted from 1 over all runs)."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Resume:
    """A request was accepted: wait for it, never submit again."""

    request: PaidRequest


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The POST may have been accepted: ask the history of fal.

    `is_over`: a request that is not there now was never started and never will be, for its URL has expired.
    `may_rebill`: a person has agreed to pay again when the history does not show it.
    """

    is_over: bool
    may_rebill: bool


@dataclass(frozen=True, slots=True)
class Report:
    """This run has failed on the job already: report it, spend nothing."""

    failure: Failure
    attempts: int


Step = Submit | Resume | Reconcile | Report


def next_step(intent: Intent | None, job: Job, now: datetime, settings: Settings) -> Step:
    """Decides what a worker that holds the job's lease does next. Pure."""
    if intent is None:
        return Submit(job.prior_attempts + 1)
    if intent.state is IntentState.WITHDRAWN:
        return Submit(intent.attempt)
    if intent.state is IntentState.SUBMITTED and intent.request is not None:
        return Resume(intent.request)
    if intent.state is IntentState.INTENDED:
        agreed = job.allow_rebill and intent.run_id != job.run_id
        free = free_at(intent, settings)
        return Reconcile(is_over=free is not None and now >= free, may_rebill=agreed)
    return _after_failure(intent, job, settings)


def _after_failure(intent: Intent, job: Job, settings: Settings) -> Submit | Report:
    if intent.failure is None:
        return Submit(intent.attempt + 1)
    spent_here = intent.attempt - job.prior_attempts
    if retry.error_of(intent.failure).handling.later_runs is LaterRuns.ON_REBILL:
        # This one was paid for. Only a person who has agreed since then pays again.
        agreed = job.allow_rebill and spent_here <= 0
    else:
        agreed = spent_here <= 0 or retry.may_try_again(intent.failure, spent_here, settings.retry)
    return Submit(intent.attempt + 1) if agreed else Report(intent.failure, intent.attempt)


def free_at(intent: Intent, settings: Settings) -> datetime | None:
    """When a request of this intent that the history does not show cannot be billed any more; None: never.

    fal cannot open the URL after it has expired, whoever sent it and when; what began before is shown by then. But what
    fal was told not to store is never shown: that it is not there says nothing (docs/fal.md section 13). And a public
    address never expires: whoever sends it late is billed.
    """
    if not intent.store_io or intent.delivery == "public":
        return None
    expires_at = intent.url_expires_at or intent.intended_at + timedelta(seconds=settings.url_lifetime_s)
    return expires_at + timedelta(seconds=settings.fal.history_lag_s + _CLOCKS_S)


_CLOCKS_S = 2.0
"""How far the clocks of workers, S3 and fal may differ here; SigV4 itself refuses a quarter of an hour."""


def intended(
    job: Job,
    previous: Intent | None,
    *,
    attempt: int,
    url: str,
    url_expires_at: datetime | None,
    owner: str,
    now: datetime,
    duration_s: float | None,
    reserved_usd: float | None,
    story: tuple[StoryLine, ...],
    webhook_token: str | None = None,
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
        url_expires_at=url_expires_at,
        reserved_usd=reserved_usd,
        duration_s=duration_s,
        delivery=job.handling.delivery,
        store_io=job.handling.store_io,
        webhook_token=webhook_token,
        past=past,
        story=(*story, StoryLine(at=now, what="intended", detail=f"attempt {attempt}")),
    )


def withdrawn(intent: Intent, reason: str, now: datetime) -> Intent:
    """The record once it is certain that nothing was accepted."""
    return _told(intent, now, "withdrawn", reason, state=IntentState.WITHDRAWN)


def submitted(intent: Intent, request: PaidRequest, now: datetime, how: str = "submitted") -> Intent:
    """The record once fal has accepted the request. `how`: submitted, or adopted from the history."""
    return _told(intent, now, how, request.request_id, state=IntentState.SUBMITTED, request=request)


def failed(intent: Intent, failure: Failure, now: datetime) -> Intent:
    """The record once the request has failed for good."""
    return _told(intent, now, "failed", failure.reason, state=IntentState.FAILED, failure=failure)


def _told(intent: Intent, now: datetime, what: str, detail: str, **changes: object) -> Intent:
    return intent.model_copy(update={**changes, "story": (*intent.story, StoryLine(at=now, what=what, detail=detail))})


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
        stored = self._storage.read(job.output.bucket, keys.intent_key(job.output, job.job_id))
        return Kept(Intent.model_validate_json(stored.body), stored.etag) if stored else None

    def write(self, job: Job, intent: Intent, previous_etag: str | None) -> Kept:
        """Writes on the condition that nobody else has. Raises `PreconditionFailedError` when somebody did.

        A write of our own whose reply was lost, and which botocore then sent again, loses against itself; it is
        recognised by its content (owner, moment and URL hash make it unique).
        """
        body = intent.model_dump_json(indent=1).encode()
        key = keys.intent_key(job.output, job.job_id)
        try:
            etag = self._storage.write(
                job.output.bucket, key, body, content_type="application/json", if_match=previous_etag
            )
        except PreconditionFailedError:
            kept = self.read(job)
            if kept is None or kept.intent != intent:
                raise
            return kept
        return Kept(intent, etag)
