"""The one owner of retries (I5): edges classify an error, this module decides, the task acts. Pure.

error                     in this run                              in later runs
RequestFailedError        a new request, up to max_attempts        planned again
other TransientError      put off, up to max_deferrals in a row;   planned again
                          no request was made, no attempt spent
BadInputError             never                                    only by retry-failed
AccountError              never; the run stops                     planned again
ConfigurationError        never                                    planned again
UncertainError            never; parked as uncertain               once it is known what happened
anything else (ours)      never                                    planned again
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from pipeline import errors
from pipeline.errors import NightscribeError
from pipeline.models import Failure
from pipeline.settings import RetrySettings

# ResultExpiredError is permanent on purpose: trying again would pay a second time for a result that was paid for.
_PERMANENT = errors.BadInputError


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
    kind = getattr(errors, failure.kind, NightscribeError)
    return kind(failure.message, failure.reason, failure.delay_s)


def decide(
    error: Exception, *, attempts: int, deferrals: int, policy: RetrySettings, jitter: random.Random
) -> Retry | GiveUp:
    """Decides on an error after `attempts` requests for the job in this run and `deferrals` put-offs in a row."""
    if isinstance(error, errors.RequestFailedError):
        if attempts >= policy.max_attempts:
            return GiveUp(permanent=False)
        return Retry(error.delay_s or backoff_s(attempts, policy, jitter))
    if isinstance(error, errors.TransientError):
        if deferrals >= policy.max_deferrals:
            return GiveUp(permanent=False)
        return Retry(error.delay_s or backoff_s(deferrals + 1, policy, jitter))
    return GiveUp(permanent=isinstance(error, _PERMANENT))


def backoff_s(step: int, policy: RetrySettings, jitter: random.Random) -> float:
    """An exponential step with jitter over its upper half: a storm spreads out, and no wait is zero."""
    ceiling = min(policy.max_s, policy.base_s * 2.0 ** max(0, step - 1))
    return ceiling * jitter.uniform(0.5, 1.0)


def may_try_again(failure: Failure, attempts: int, policy: RetrySettings) -> bool:
    """Whether a recorded failure leaves room for another request after `attempts` in this run."""
    decision = decide(error_of(failure), attempts=attempts, deferrals=0, policy=policy, jitter=random.Random(0))
    return isinstance(decision, Retry)
