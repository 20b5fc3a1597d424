"""The paid step of a job: one POST, framed by the intent in S3 before it and the request id in S3 after it (I1).

preflight ─ (upload) ─ permit, turn, reservation ─ sign ─ PUT intent ─ last look ─ POST ─ PUT request id
                                                   │
                an error before the POST, or a refusal by fal: the intent is withdrawn, all is given back
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline import pricing
from pipeline.errors import (
    DeadlineReachedError,
    NightscribeError,
    ServiceUnavailableError,
    ThrottledError,
    TransientError,
    UncertainError,
)
from pipeline.limits.base import Amount
from pipeline.models import Intent, IntentState, Job, ManifestRow, PaidRequest, StoryLine
from pipeline.storage.base import PreconditionFailedError
from pipeline.transcribe import acts, intents
from pipeline.transcribe.act import Protocol
from pipeline.transcribe.intents import Kept
from pipeline.transcribe.rows import row_without_duration
from pipeline.transcribe.rules import Rules

CONTENDED_S = 2.0
"""Another worker is between its intent and its request id: about the time a POST takes."""


def submit(
    job: Job, previous: Kept | None, rules: Rules, *, attempt: int, lease: str, story: tuple[StoryLine, ...]
) -> Protocol[Kept | ManifestRow | UncertainError]:
    """Submits one attempt. The intent with its request; or a row that makes it needless; or that the reply is lost.

    Whatever it raises, nothing was accepted, and the permit and the reservation have been given back. After the job's
    deadline that is `DeadlineReachedError`.
    """
    facts = yield from acts.Probe()
    if job.budgeted and facts.duration_s is None:
        return row_without_duration(job, (yield from acts.AskTime()))
    endpoint_id = job.recipe.endpoint_id
    cost = pricing.cost_of(pricing.price_of(rules.settings, endpoint_id, job.prices), endpoint_id, facts.duration_s)
    amount = Amount(cost.usd or 0.0, facts.duration_s or 0.0)
    # Before the permit, which is for requests: bringing hours of audio over would hold it for minutes.
    uploaded = (yield from acts.Upload()) if job.handling.delivery == "upload" else None
    yield from acts.TakePermit(lease)
    begun = _Begun(lease, previous)
    try:
        yield from acts.TakeTurn()
        if job.budgeted:
            begun.ticket = yield from acts.Reserve(amount)
        url = yield from acts.Sign(facts.version_id, uploaded)
        now = yield from acts.AskTime()
        check_deadline(job, now)  # the permit may have come after hours
        _check_outlives_the_queue(job, url, now, rules)
        intent = intents.intended(
            job,
            previous.intent if previous else None,
            attempt=attempt,
            url=url.url,
            url_expires_at=url.expires_at,
            owner=rules.worker,
            now=now,
            duration_s=facts.duration_s,
            reserved_usd=cost.usd,
            story=story,
            webhook_token=url.webhook_token,
        )
        kept = yield from acts.WriteIntent(intent, previous.etag if previous else None)
        begun.kept = kept
        row = yield from _last_look(job, lease, begun.ticket)
    except Exception as error:
        yield from _undo(begun, type(error).__name__)
        raise
    if row is not None:
        yield from _undo(begun, "done by another worker")
        return row
    return (yield from _post(job, kept, begun, url))


def _check_outlives_the_queue(job: Job, url: acts.SignedUrl, now: datetime, rules: Rules) -> None:
    """An upload may have waited for its permit, or this worker may have slept, until its URL is too old."""
    start_s = rules.settings.fal.start_timeout_s
    if url.expires_at is not None and (url.expires_at - now).total_seconds() < start_s:
        raise TransientError(
            f"{job.object.uri} was not submitted: its URL would have expired before fal must begin with it. It gets "
            "a new one.",
            "url_too_old",
            CONTENDED_S,
        )


def check_deadline(job: Job, moment: datetime) -> None:
    """Raises `DeadlineReachedError` when nothing is submitted any more for the job at that moment."""
    if job.handling.is_too_late(moment):
        raise _too_late(job)


def _too_late(job: Job) -> DeadlineReachedError:
    return DeadlineReachedError(
        f"{job.object.uri} was not submitted: the deadline of its run has passed. It waits for the next run."
    )


@dataclass(slots=True)
class _Begun:
    """What is to be taken back when the POST does not happen."""

    lease: str
    previous: Kept | None
    ticket: str | None = None
    kept: Kept | None = None


def _last_look(job: Job, lease: str, ticket: str | None) -> Protocol[ManifestRow | None]:
    """Between our first look and our intent another worker may have finished the job; or we were asleep."""
    standing = yield from acts.LookAtSidecar()
    if standing.row is not None:
        return standing.row
    if reason := (yield from acts.MaySubmit(lease, ticket)):
        if reason == DeadlineReachedError.default_reason:
            raise _too_late(job)
        raise TransientError(
            f"{job.object.uri} was not submitted: {reason}. It is looked at again.", reason, CONTENDED_S
        )
    return None


def _post(job: Job, kept: Kept, begun: _Begun, url: acts.SignedUrl) -> Protocol[Kept | UncertainError]:
    try:
        request = yield from acts.Post(url)
    except UncertainError as error:
        # Permit, reservation and intent stay: it may be at fal.
        yield from acts.Note("submit_reply_lost", "warning")
        return error
    except NightscribeError as error:
        yield from _undo(begun, error.reason)
        if isinstance(error, ThrottledError | ServiceUnavailableError):
            yield from acts.SlowDown(error.delay_s or 0.0)
        raise
    yield from acts.Note("request_submitted", request_id=request.request_id)
    return (yield from _keep_request(job, kept, request))


def _keep_request(job: Job, kept: Kept, request: PaidRequest) -> Protocol[Kept]:
    """Writes the request id into the intent. From here on it is money: S3 being away must not lose it."""
    intent = intents.submitted(kept.intent, request, (yield from acts.AskTime()))
    try:
        return (yield from acts.WriteIntent(intent, kept.etag))
    except PreconditionFailedError:
        current = yield from acts.ReadIntent()
        if current is not None and _request_id(current.intent) == request.request_id:
            return current  # another worker has found our request in the history before we knew of it
        if current is not None and _is_our_post(current.intent, kept.intent):
            return Kept(intent, current.etag)
        # This worker was asleep for so long that its URL had expired: fal cannot have begun the request.
        yield from acts.Note("request_came_too_late", "error", request_id=request.request_id)
        yield from acts.Cancel(request)
        raise contended(job) from None
    except TransientError:
        # The job goes on from memory; only if this process also dies now is the request left to the history.
        yield from acts.Note("request_id_not_kept", "error", request_id=request.request_id)
        return Kept(intent, kept.etag)


def _request_id(intent: Intent) -> str | None:
    return intent.request.request_id if intent.request else None


def _is_our_post(current: Intent, ours: Intent) -> bool:
    """Whether what lies in S3 is still the intent of our own POST, without its request."""
    mine = (ours.owner, ours.url_hash, ours.intended_at)
    return current.state is IntentState.INTENDED and (current.owner, current.url_hash, current.intended_at) == mine


def _undo(begun: _Begun, why: str) -> Protocol[None]:
    """Takes back what was done before a POST that did not happen; a tombstone of an earlier attempt is put back."""
    if begun.kept is not None:
        now = yield from acts.AskTime()
        intent = begun.previous.intent if begun.previous else intents.withdrawn(begun.kept.intent, why, now)
        try:
            yield from acts.WriteIntent(intent, begun.kept.etag)
        except (PreconditionFailedError, TransientError):
            # Another worker has taken over; or S3 is away, and the history will show that there is no request.
            yield from acts.Note("intent_not_withdrawn", "warning")
    if begun.ticket is not None:
        yield from acts.WithdrawReservation(begun.ticket)
    yield from acts.GiveBackPermit(begun.lease)


def contended(job: Job) -> TransientError:
    """The error of a job that another worker carries on."""
    return TransientError(
        f"Another worker has taken {job.object.uri} over; what it finds is awaited.", "intent_contended", CONTENDED_S
    )
