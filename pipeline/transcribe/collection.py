"""From an accepted request to its sidecar: wait, fetch at once, look at the source again, write what was paid for."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline import pricing, retry
from pipeline.errors import (
    AccountError,
    NightscribeError,
    ServiceUnavailableError,
    SuspectAgainError,
    ThrottledError,
)
from pipeline.limits.base import Amount
from pipeline.models import Failure, Job, ManifestRow, StoryLine
from pipeline.settings import Settings
from pipeline.transcribe import acts, results
from pipeline.transcribe.act import Protocol
from pipeline.transcribe.intents import Kept
from pipeline.transcribe.results import Standing
from pipeline.transcribe.submission import contended


@dataclass(frozen=True, slots=True)
class Stale:
    """The source was replaced while fal worked: the transcript may be of either version."""

    failure: Failure
    spent: Amount


@dataclass(frozen=True, slots=True)
class SuspectAgain:
    """A second opinion that is as doubtful as the first: it is kept apart, and the first keeps its place."""

    failure: Failure
    spent: Amount


def collect(
    job: Job, kept: Kept, lease: str, standing: Standing, settings: Settings
) -> Protocol[ManifestRow | Stale | SuspectAgain | NightscribeError]:
    """Collects an accepted request. The row of its sidecar; or what the request failed with, for good.

    Raises what says nothing about the request: then it goes on at fal and is resumed.
    """
    request = kept.intent.request
    if request is None:  # pragma: no cover  callers have one
        raise AssertionError
    # When this raises, the permit is not given back: the request goes on at fal, and counts until it is resumed.
    yield from acts.Wait(request, kept.intent.duration_s, kept.intent.webhook_token is not None)
    yield from acts.GiveBackPermit(request.request_id)
    completed_at = yield from acts.AskTime()
    try:
        answer = yield from acts.Fetch(request)
    except (AccountError, ServiceUnavailableError, ThrottledError):
        raise
    except NightscribeError as error:
        return error
    now = yield from acts.AskTime()
    price = pricing.price_of(settings, job.recipe.endpoint_id, job.prices)
    cost = pricing.cost_of(price, job.recipe.endpoint_id, kept.intent.duration_s, answer.billable_units)
    story = (
        *kept.intent.story,
        StoryLine(at=completed_at, what="completed"),
        StoryLine(
            at=now, what="fetched", detail=f"cost {cost.usd:.6f} USD" if cost.usd is not None else "cost unknown"
        ),
    )
    sidecar = results.sidecar_of(
        job, kept.intent, request, answer, cost=cost, story=story, now=now, thresholds=settings.lint
    )
    spent = Amount(cost.usd or 0.0, sidecar.duration_s or 0.0)
    if not (yield from acts.SourceIsUnchanged()):
        return Stale(
            Failure(
                kind="SourceGoneError",
                reason="stale",
                message=f"{job.object.uri} was replaced or deleted while it was transcribed. What was heard is kept at "
                f"{(yield from acts.KeepUnplaced(sidecar))}; the next run plans the object as it is then.",
            ),
            spent,
        )
    if not (yield from acts.HoldsLease(lease)):
        # This worker was asleep, or cut off from Redis, for longer than its lease: another one has the job.
        raise contended(job)
    if job.second_of is not None and sidecar.quality.findings:
        doubts = ", ".join(finding.name for finding in sidecar.quality.findings)
        message = f"It is suspect too ({doubts}), and kept at {(yield from acts.KeepUnplaced(sidecar))}."
        return SuspectAgain(retry.failure_of(SuspectAgainError(message)), spent)
    return (yield from acts.WriteSidecar(sidecar, standing))
