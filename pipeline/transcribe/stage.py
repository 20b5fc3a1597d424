"""The act itself: look, intend, pay once, wait, fetch, write. Every step is safe to die after (docs/adr/0003).

    sidecar of this job there? ──yes──▶ its row (a repeated message)
    intent: none ─▶ preflight ─▶ permit, rate ─▶ PUT intent (If-None-Match) ─▶ POST once ─▶ request id into intent
            submitted ─▶ resume by request id             intended, no id ─▶ uncertain, never sent again
            failed ─▶ a new attempt if retry.py allows it, else the recorded failure
    wait ─▶ fetch ─▶ sidecar (conditional) ─▶ derived formats ─▶ row

The stage knows nothing of Celery: it returns what the task must do next, or raises `Cancelled` for hand-over, and
`AccountError` or `ConfigurationError` (no such model, no right to write) to stop the run: every job would meet it.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline import logs, retry
from pipeline.cancellation import Cancelled
from pipeline.errors import (
    AccountError,
    ConfigurationError,
    NightscribeError,
    ResultExpiredError,
    ServiceUnavailableError,
    ThrottledError,
    TransientError,
    UncertainError,
)
from pipeline.models import Failure, Job, ManifestRow, State
from pipeline.transcribe import intents, results
from pipeline.transcribe.intents import IntentBook, Kept
from pipeline.transcribe.preflight import preflight
from pipeline.transcribe.submission import contended, submit_once
from pipeline.transcribe.tools import Tools

_POST_TIMEOUTS = 2  # a POST may stand in line for one submit_timeout_s, and take another
_REPLY_MARGIN_S = 15.0  # clocks of workers differ by less, and the backup host may be tried after the first


@dataclass(frozen=True, slots=True)
class Settled:
    """The job has ended with this row. `keep_intent` leaves a tombstone, so that a repeat pays nothing."""

    row: ManifestRow
    keep_intent: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """The job goes on after that many seconds, here or elsewhere."""

    delay_s: float
    failure: Failure


def transcribe(job: Job, tools: Tools, *, deferrals: int = 0) -> Settled | Later:
    """Carries one job as far as it goes. `deferrals` is how often it was put off before, in a row."""
    try:
        return _carry(job, tools)
    except (Cancelled, AccountError, ConfigurationError):
        raise
    except UncertainError as error:
        logs.get_logger().warning("job_uncertain", reason=error.reason)
        row = _row(job, State.UNCERTAIN, retry.failure_of(error), tools, attempts=job.prior_attempts + 1)
        return Settled(row, keep_intent=True)
    except Exception as error:  # noqa: BLE001  the last line of defence: whatever it is harms this object only (I11)
        return _after_error(job, error, tools, deferrals)


def _carry(job: Job, tools: Tools) -> Settled | Later:
    if (row := results.look(tools.storage, job).row) is not None:
        return Settled(row)
    book = IntentBook(tools.storage)
    kept = book.read(job)
    step = intents.next_step(
        kept.intent if kept else None,
        job,
        tools.now(),
        reply_within_s=_POST_TIMEOUTS * tools.settings.fal.submit_timeout_s + _REPLY_MARGIN_S,
        policy=tools.settings.retry,
    )
    match step:
        case intents.Resume() if kept is not None:
            logs.bind_request(step.request.request_id)
            logs.get_logger().info("job_resumed")
            with tools.permits.permit(job.job_id, in_flight=True):
                return _collect(job, book, kept, tools)
        case intents.Submit(attempt):
            facts = preflight(job.object, tools)
            with tools.permits.permit(job.job_id, in_flight=False) as permit:
                submitted = submit_once(job, book, kept, tools, attempt=attempt, duration_s=facts.duration_s)
                if isinstance(submitted, ManifestRow):
                    return Settled(submitted)
                permit.in_flight = True
                return _collect(job, book, submitted, tools)
        case intents.Report(failure, attempts):
            permanent = not isinstance(retry.error_of(failure), TransientError)
            return Settled(
                _row(job, State.FAILED, failure, tools, attempts=attempts, permanent=permanent), keep_intent=True
            )
        case intents.AskLater(delay_s):
            raise contended(job, delay_s)
        case _:
            raise UncertainError(
                f"The reply to the paid request for {job.object.uri} was lost: fal may or may not have accepted it. "
                "It is not sent again on a guess. Look at fal's request history for it."
            )


def _collect(job: Job, book: IntentBook, kept: Kept, tools: Tools) -> Settled | Later:
    """Waits for an accepted request, fetches it at once and writes it down."""
    request = kept.intent.request
    if request is None:  # pragma: no cover  next_step resumes only with a request
        raise AssertionError
    try:
        tools.transcriber.wait(request, audio_s=kept.intent.duration_s, cancel=tools.cancel)
    except ResultExpiredError as error:
        return _after_failed_request(job, book, kept, error, tools)
    try:
        answer = tools.transcriber.fetch(request, job.recipe)
    except (AccountError, ServiceUnavailableError, ThrottledError):
        raise  # nothing is known of the request yet: it is resumed
    except ConfigurationError as error:
        # The model is not what was asked for. Every job would meet it, so the run stops; this request is over.
        book.write(job, intents.failed(kept.intent, retry.failure_of(error)), kept.etag)
        raise
    except NightscribeError as error:
        return _after_failed_request(job, book, kept, error, tools)
    sidecar = results.sidecar_of(job, kept.intent, request, answer, settings=tools.settings, now=tools.now())
    row = results.write(tools.storage, job, sidecar)
    logs.get_logger().info("sidecar_written", words=row.words, audio_s=row.duration_s, processing_s=row.processing_s)
    return Settled(row)


def _after_failed_request(
    job: Job, book: IntentBook, kept: Kept, error: NightscribeError, tools: Tools
) -> Settled | Later:
    failure = retry.failure_of(error)
    attempt = kept.intent.attempt
    book.write(job, intents.failed(kept.intent, failure), kept.etag)
    decision = retry.decide(
        error,
        attempts=attempt - job.prior_attempts,
        deferrals=0,
        policy=tools.settings.retry,
        jitter=tools.jitter,
    )
    logs.get_logger().warning(
        "request_failed", reason=failure.reason, attempt=attempt, decision=type(decision).__name__
    )
    if isinstance(decision, retry.Retry):
        return Later(decision.delay_s, failure)
    return Settled(
        _row(job, State.FAILED, failure, tools, attempts=attempt, permanent=decision.permanent, kept=kept),
        keep_intent=True,
    )


def _after_error(job: Job, error: Exception, tools: Tools, deferrals: int) -> Settled | Later:
    """An error with no accepted request behind it, or with one that is still to be resumed."""
    if not isinstance(error, NightscribeError):
        logs.get_logger().exception("job_failed_by_our_fault")
    failure = retry.failure_of(error)
    decision = retry.decide(error, attempts=0, deferrals=deferrals, policy=tools.settings.retry, jitter=tools.jitter)
    if isinstance(decision, retry.Retry):
        logs.get_logger().warning("job_put_off", reason=failure.reason, delay_s=round(decision.delay_s, 1))
        return Later(decision.delay_s, failure)
    logs.get_logger().warning("job_failed", reason=failure.reason)
    row = _row(job, State.FAILED, failure, tools, attempts=job.prior_attempts, permanent=decision.permanent)
    return Settled(row, keep_intent=True)


def _row(
    job: Job,
    state: State,
    failure: Failure,
    tools: Tools,
    *,
    attempts: int,
    permanent: bool = False,
    kept: Kept | None = None,
) -> ManifestRow:
    request = kept.intent.request if kept else None
    return ManifestRow(
        **job.object.model_dump(),
        state=state,
        reason=failure.reason,
        message=failure.message,
        permanent=permanent,
        job_id=job.job_id,
        run_id=job.run_id,
        endpoint_id=job.recipe.endpoint_id,
        recipe=job.recipe.hash,
        request_id=request.request_id if request else None,
        attempts=attempts,
        duration_s=kept.intent.duration_s if kept else None,
        settled_at=tools.now(),
    )
