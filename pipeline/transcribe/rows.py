"""The rows of jobs that did not end in a sidecar, and what they have cost. Pure."""

from __future__ import annotations

from datetime import datetime

from pipeline import retry
from pipeline.errors import UncertainError
from pipeline.limits.base import Amount
from pipeline.models import Failure, Job, ManifestRow, State
from pipeline.transcribe.intents import Kept


def row_of_failure(
    job: Job,
    failure: Failure,
    now: datetime,
    *,
    attempts: int,
    permanent: bool = False,
    kept: Kept | None = None,
    cost_usd: float | None = None,
    state: State = State.FAILED,
) -> ManifestRow:
    """The row of a job that has failed. `kept` tells of its request, when it got that far."""
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
        cost_usd=cost_usd,
        settled_at=now,
        stands_for=job.second_of,
    )


def row_of_uncertainty(
    job: Job, error: UncertainError, kept: Kept, now: datetime, decided_at: datetime | None
) -> ManifestRow:
    """The row of a job whose paid request may or may not exist. `decided_at`: when asking again will decide."""
    advice = (
        f"The next run after {decided_at:%Y-%m-%d %H:%M} UTC decides: it adopts the request, or submits the job anew "
        "once it is certain that fal never began it."
        if decided_at
        else "Look for it in fal's dashboard. To pay for it (again): nightscribe retry-failed --allow-rebill."
    )
    failure = retry.failure_of(error)
    failure = failure.model_copy(update={"message": f"{failure.message} {advice}"})
    return row_of_failure(job, failure, now, attempts=kept.intent.attempt, kept=kept, state=State.UNCERTAIN)


def row_without_duration(job: Job, now: datetime) -> ManifestRow:
    """The row of an object that cannot be held against a ceiling, for its length is unknown."""
    failure = Failure(
        kind="BudgetReachedError",
        reason="duration_unknown",
        message=f"The length of {job.object.uri} is not known before it is transcribed, so that it cannot be held "
        "against the run's ceiling. Nothing was paid. Run without --max-cost and --max-audio-hours, or raise "
        "audio.probe_budget_bytes.",
    )
    return row_of_failure(job, failure, now, attempts=job.prior_attempts, state=State.PENDING)


def spent_on(row: ManifestRow) -> Amount:
    """What a finished job has cost."""
    return Amount(row.cost_usd or 0.0, row.duration_s or 0.0)


def spent_on_failure(failure: Failure, kept: Kept) -> Amount:
    """What a failed request counts for: what may have been billed counts in full, for the ceiling is a promise."""
    if retry.billing_of(failure) == "no":
        return Amount()
    return Amount(kept.intent.reserved_usd or 0.0, kept.intent.duration_s or 0.0)
