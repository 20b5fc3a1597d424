"""The one owner of retries (I5): edges classify an error, this module decides, the task acts. Pure.

What follows from an error stands at its class (`errors.Handling`); docs/errors.md shows all of them in one table.
What is none of ours counts as a `NightscribeError`: failed, planned again, and said in the log.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from pipeline import errors
from pipeline.errors import BILLED_BY_REASON, Billed, NightscribeError, ThisRun
from pipeline.models import Failure
from pipeline.settings import RetrySettings


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after that many seconds."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Settle the object as failed. `permanent` says that the object itself is at fault."""

    permanent: bool


def failure_of(error: Exception) -> Failure:
    """What an intent and a row keep of an error."""
    if isinstance(error, NightscribeError):
        return Failure(kind=type(error).__name__, reason=error.reason, message=error.message, delay_s=error.delay_s)
    return Failure(
        kind="InternalError",
        reason="internal_error",
        # The text of a foreign exception may hold anything; its type is enough here, the log has the traceback.
        message=f"Nightscribe failed on this object with {type(error).__name__}; the worker's log has the details.",
    )


def error_of(failure: Failure) -> NightscribeError:
    """The error that a stored failure was made of, so that it is decided on in the same way after a restart."""
    return _kind_of(failure)(failure.message, failure.reason, failure.delay_s)


def billing_of(failure: Failure) -> Billed:
    """Whether fal bills for the request that ended in this failure: `no` only where that is sure."""
    return BILLED_BY_REASON.get(failure.reason, _kind_of(failure).handling.billed)


def _kind_of(failure: Failure) -> type[NightscribeError]:
    kind = getattr(errors, failure.kind, None)
    return kind if isinstance(kind, type) and issubclass(kind, NightscribeError) else NightscribeError


def decide(
    error: Exception, *, attempts: int, deferrals: int, policy: RetrySettings, jitter: random.Random
) -> Retry | GiveUp:
    """Decides on an error after `attempts` requests for the job in this run and `deferrals` put-offs in a row."""
    ours = error if isinstance(error, NightscribeError) else NightscribeError("")
    if ours.handling.this_run is ThisRun.NEW_REQUEST and attempts < policy.max_attempts:
        return Retry(ours.delay_s or backoff_s(attempts, policy, jitter))
    if ours.handling.this_run is ThisRun.PUT_OFF and deferrals < policy.max_deferrals:
        return Retry(ours.delay_s or backoff_s(deferrals + 1, policy, jitter))
    return GiveUp(permanent=ours.handling.is_permanent)


def backoff_s(step: int, policy: RetrySettings, jitter: random.Random) -> float:
    """An exponential step with jitter over its upper half: a storm spreads out, and no wait is zero."""
    ceiling = min(policy.max_s, policy.base_s * 2.0 ** max(0, step - 1))
    return ceiling * jitter.uniform(0.5, 1.0)


def may_try_again(failure: Failure, attempts: int, policy: RetrySettings) -> bool:
    """Whether a recorded failure leaves room for another request after `attempts` in this run."""
    decision = decide(error_of(failure), attempts=attempts, deferrals=0, policy=policy, jitter=random.Random(0))
    return isinstance(decision, Retry)
