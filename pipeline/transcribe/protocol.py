"""The whole way of one job through a worker, as a generator of acts: it decides everything and does nothing itself.

    order to stop? ─ lease ─ wanted? ─ sidecar of this job there? ──yes──▶ its row (a repeated message)
    intent: none, withdrawn, or failed and free ─▶ submission      submitted ─▶ collection, by its request id
            intended, no id ─▶ ask fal's history: adopt, ask again later, submit anew once that is safe, or uncertain
            failed for good ─▶ the recorded failure
    row ─ budget settled ─ lease released

Safe to die after every act: what the next worker finds in S3 tells it how to go on (docs/adr/0003 and 0010). The
worker performs this generator (`performer`), and the model in the tests explores this very generator exhaustively.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline import retry
from pipeline.cancellation import Cancelled
from pipeline.errors import (
    AccountError,
    BudgetReachedError,
    ConfigurationError,
    DeadlineReachedError,
    NightscribeError,
    SuspectAgainError,
    TransientError,
    UncertainError,
)
from pipeline.models import Failure, Job, ManifestRow, State, StoryLine
from pipeline.runs.base import StopOrder
from pipeline.storage.base import PreconditionFailedError
from pipeline.transcribe import acts, intents
from pipeline.transcribe.act import Protocol
from pipeline.transcribe.collection import Stale, SuspectAgain, collect
from pipeline.transcribe.intents import Kept
from pipeline.transcribe.results import Standing
from pipeline.transcribe.rows import row_of_failure, row_of_uncertainty, spent_on, spent_on_failure
from pipeline.transcribe.rules import Rules
from pipeline.transcribe.submission import CONTENDED_S, check_deadline, contended, submit

# How often the history is asked for a lost request: soon at first, then at a quarter of the time that has passed.
_ASK_SHARE = 0.25
_ASK_MIN_S, _ASK_MAX_S = 1.0, 30.0


@dataclass(frozen=True, slots=True)
class Settled:
    """The job has ended with this row, which has been handed in."""

    row: ManifestRow


@dataclass(frozen=True, slots=True)
class Later:
    """The job goes on after that many seconds, here or elsewhere."""

    delay_s: float
    failure: Failure


@dataclass(frozen=True, slots=True)
class NotOurs:
    """Another slot has the job, or its run does not wait for it any more: nothing to do here."""

    why: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """The job was given up unsubmitted; it stays to be planned again."""

    why: str


Outcome = Settled | Later | NotOurs | Dropped


def work(job: Job, rules: Rules, *, deferrals: int = 0) -> Protocol[Outcome]:
    """Carries one job as far as it goes. `deferrals` is how often it was put off before, in a row."""
    if order := (yield from acts.AskOrder()):
        yield from acts.DropJob(None)
        return Dropped(order.reason)
    lease = yield from acts.TakeLease()
    if lease is None:
        return NotOurs("held by another worker")
    try:
        outcome = yield from _with_lease(job, rules, lease, deferrals)
    except Cancelled:
        yield from acts.HandBack(lease)
        raise
    if isinstance(outcome, Later):
        # A message reaches a slot somewhat later than its countdown says; one that died with its worker never does.
        yield from acts.ParkLease(lease, outcome.delay_s + rules.settings.limits.lease_s)
    else:
        yield from acts.Release(lease)
    return outcome


def _with_lease(job: Job, rules: Rules, lease: str, deferrals: int) -> Protocol[Outcome]:
    if not (yield from acts.IsWanted()):
        return NotOurs("its run does not wait for it")
    try:
        outcome = yield from _carry(job, rules, lease, deferrals)
    except Cancelled:
        raise
    except (AccountError, ConfigurationError) as error:
        # Every job would meet it. What was accepted stays resumable.
        by_account = isinstance(error, AccountError)
        # What is configured wrongly is so for this run: another archive of the same night has a model of its own.
        order = StopOrder(error.reason, error.message, by_account=by_account, run_id="" if by_account else job.run_id)
        yield from acts.StopRun(order)
        yield from acts.DropJob(lease)
        return Dropped(f"{error.reason}: {error.message}")
    except (BudgetReachedError, DeadlineReachedError) as error:
        yield from acts.DropJob(lease)
        return Dropped(error.message)
    except PreconditionFailedError:
        outcome = Later(CONTENDED_S, retry.failure_of(contended(job)))
    except Exception as error:  # noqa: BLE001  the last line of defence: whatever it is harms this object only (I11)
        outcome = yield from _after_error(job, error, rules, deferrals)
    if isinstance(outcome, ManifestRow):
        # A transcript is a fact, whoever wrote it. What did not come about may still come about under another's lease.
        is_done = outcome.state is State.DONE
        is_kept = is_done or outcome.reason == SuspectAgainError.default_reason
        if is_kept and job.handling.delete_payloads and outcome.request_id is not None:
            # Not after the row is handed in: a job that has one does not come back when its worker dies here.
            yield from acts.DeletePayloads(outcome.request_id)
        has_settled = yield from acts.Settle(outcome, None if is_done else lease)
        return Settled(outcome) if is_done or has_settled else NotOurs("taken over by another worker")
    return outcome


def _carry(job: Job, rules: Rules, lease: str, deferrals: int) -> Protocol[ManifestRow | Later]:
    leased_at = yield from acts.AskTime()
    standing = yield from acts.LookAtSidecar()
    if standing.row is not None:
        if standing.row.request_id is not None:
            yield from acts.GiveBackPermit(standing.row.request_id)  # whoever wrote it may have died right after
        yield from acts.SettleCost(spent_on(standing.row))
        return standing.row
    kept = yield from acts.ReadIntent()
    accepted = yield from _accepted(job, kept, rules, lease, leased_at)
    if not isinstance(accepted, Kept):
        return accepted
    try:
        return (yield from _collected(job, accepted, rules, lease, standing))
    except (Cancelled, AccountError, ConfigurationError, DeadlineReachedError, PreconditionFailedError):
        raise
    except Exception as error:  # noqa: BLE001  the last line of defence: whatever it is harms this object only (I11)
        return (yield from _after_error(job, error, rules, deferrals, accepted))


def _accepted(
    job: Job, kept: Kept | None, rules: Rules, lease: str, leased_at: datetime
) -> Protocol[Kept | ManifestRow | Later]:
    """The intent with its accepted request, be it an earlier one or a new one; or why there is none."""
    step = intents.next_step(kept.intent if kept else None, job, leased_at, rules.settings)
    if kept is not None:
        if isinstance(step, intents.Report):
            return (yield from _reported(job, kept, step, leased_at))
        if isinstance(step, intents.Resume):
            yield from acts.Note("job_resumed", request_id=step.request.request_id)
            return kept
        if isinstance(step, intents.Reconcile):
            found = yield from _reconcile(job, kept, step, rules, leased_at)
            if not isinstance(found, intents.Submit):
                return found
            step = found
    if not isinstance(step, intents.Submit):  # pragma: no cover  every other step has an intent
        raise TypeError(step)
    check_deadline(job, leased_at)  # before it asks S3, and waits for a permit
    story = _story_before(job, kept, rules, leased_at)
    submitted = yield from submit(job, kept, rules, attempt=step.attempt, lease=lease, story=story)
    if isinstance(submitted, UncertainError):
        return Later(_ASK_MIN_S, retry.failure_of(submitted))
    return submitted


def _reported(job: Job, kept: Kept, step: intents.Report, now: datetime) -> Protocol[ManifestRow]:
    """A failure that is known already: a repeated message, or a result that nobody has agreed to pay for again."""
    yield from acts.SettleCost(spent_on_failure(step.failure, kept))
    permanent = not isinstance(retry.error_of(step.failure), TransientError)
    return row_of_failure(job, step.failure, now, attempts=step.attempts, permanent=permanent, kept=kept)


def _collected(job: Job, kept: Kept, rules: Rules, lease: str, standing: Standing) -> Protocol[ManifestRow | Later]:
    if kept.intent.request is not None:
        yield from acts.CountInFlight(kept.intent.request, lease)
    outcome = yield from collect(job, kept, lease, standing, rules.settings)
    if isinstance(outcome, ManifestRow):
        yield from acts.SettleCost(spent_on(outcome))
        return outcome
    now = yield from acts.AskTime()
    if isinstance(outcome, Stale | SuspectAgain):
        is_final = isinstance(outcome, SuspectAgain)
        if is_final:  # a repeated message finds this, and pays for nothing
            kept = yield from acts.WriteIntent(intents.failed(kept.intent, outcome.failure, now), kept.etag)
        yield from acts.SettleCost(outcome.spent)
        cost_usd, attempts = outcome.spent.cost_usd, kept.intent.attempt
        return row_of_failure(
            job, outcome.failure, now, attempts=attempts, permanent=is_final, kept=kept, cost_usd=cost_usd
        )
    failure = retry.failure_of(outcome)
    yield from acts.Note("request_failed", "warning", reason=failure.reason)
    kept = yield from acts.WriteIntent(intents.failed(kept.intent, failure, now), kept.etag)
    yield from acts.SettleCost(spent_on_failure(failure, kept))
    if isinstance(outcome, ConfigurationError):
        raise outcome  # the model is not what was asked for: every job would meet it
    decision = retry.decide(
        outcome,
        attempts=kept.intent.attempt - job.prior_attempts,
        deferrals=0,
        policy=rules.settings.retry,
        jitter=rules.jitter,
    )
    if isinstance(decision, retry.Retry):
        check_deadline(job, now + timedelta(seconds=decision.delay_s))  # it would be too late, and is known now
        return Later(decision.delay_s, failure)
    return row_of_failure(job, failure, now, attempts=kept.intent.attempt, permanent=decision.permanent, kept=kept)


def _reconcile(
    job: Job, kept: Kept, step: intents.Reconcile, rules: Rules, now: datetime
) -> Protocol[Kept | intents.Submit | ManifestRow | Later]:
    """A POST without a known reply: finds out what became of it, and never guesses."""
    fal, age_s = rules.settings.fal, (now - kept.intent.intended_at).total_seconds()
    decided_at = intents.free_at(kept.intent, rules.settings)
    patience_s = fal.reconcile_patience_s
    # Without the history only the POST's own worker could still bring the answer, or fal itself by calling back.
    unheard_s = fal.submit_timeout_s if kept.intent.webhook_token is None else patience_s
    unclear = UncertainError(
        f"The reply to the paid request for {job.object.uri} was lost, and fal's history does not show it yet."
    )
    if not kept.intent.store_io:
        patience_s, unclear = unheard_s, _never_shown(job)
    try:
        request = yield from acts.Find(kept.intent)
    except UncertainError as error:
        request, unclear, decided_at, patience_s = None, error, None, unheard_s
    except TransientError as error:
        # It does not answer, or not yet for all that still runs: nothing is decided by that, whatever the time.
        yield from acts.Note("history_not_read", "warning", reason=error.reason)
        step, request = intents.Reconcile(is_over=False, may_rebill=False), None
    if request is not None:
        yield from acts.Note("request_found", request_id=request.request_id)
        return (yield from acts.WriteIntent(intents.submitted(kept.intent, request, now, "adopted"), kept.etag))
    if step.is_over and decided_at is not None:
        yield from acts.Note("request_never_started")
        return intents.Submit(kept.intent.attempt)
    if age_s >= patience_s:
        if step.may_rebill:
            yield from acts.Note("request_paid_again", "warning")
            return intents.Submit(kept.intent.attempt + 1)
        return row_of_uncertainty(job, unclear, kept, now, decided_at)
    delay_s = min(max(age_s * _ASK_SHARE, _ASK_MIN_S), _ASK_MAX_S)
    return Later(delay_s, retry.failure_of(unclear))


def _never_shown(job: Job) -> UncertainError:
    return UncertainError(
        f"The reply to the paid request for {job.object.uri} was lost, and fal's history can never show it, for fal "
        "was told to store nothing of it (--no-store-io).",
        "not_stored",
    )


def _after_error(
    job: Job, error: Exception, rules: Rules, deferrals: int, kept: Kept | None = None
) -> Protocol[ManifestRow | Later]:
    """An error with no accepted request behind it, or with one (`kept`) that says nothing about it: a row names it."""
    failure = retry.failure_of(error)
    if not isinstance(error, NightscribeError):
        yield from acts.Note("job_failed_by_our_fault", "error", error=error)
    decision = retry.decide(error, attempts=0, deferrals=deferrals, policy=rules.settings.retry, jitter=rules.jitter)
    if isinstance(decision, retry.Retry):
        yield from acts.Note("job_put_off", "warning", reason=failure.reason)
        return Later(decision.delay_s, failure)
    yield from acts.Note("job_failed", "warning", reason=failure.reason)
    now = yield from acts.AskTime()
    attempts = kept.intent.attempt if kept else job.prior_attempts
    return row_of_failure(job, failure, now, attempts=attempts, permanent=decision.permanent, kept=kept)


def _story_before(job: Job, kept: Kept | None, rules: Rules, leased_at: datetime) -> tuple[StoryLine, ...]:
    """What happened to the job before this attempt."""
    leased = StoryLine(at=leased_at, what="leased", detail=rules.worker)
    if kept is not None:
        return (*kept.intent.story, leased)
    planned = f"run {job.run_id}" + (f", as {job.planned_as}" if job.planned_as else "")
    begun = (StoryLine(at=job.planned_at, what="planned", detail=planned),) if job.planned_at else ()
    return (*begun, leased)
