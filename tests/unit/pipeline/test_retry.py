"""retry.py: what is tried again, when, and what it costs."""

from __future__ import annotations

import random

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import errors, retry
from pipeline.models import Failure
from pipeline.retry import GiveUp, Retry

POLICY = builders.settings().retry


def decide(error, attempts=1, deferrals=0):
    return retry.decide(error, attempts=attempts, deferrals=deferrals, policy=POLICY, jitter=random.Random(7))


@pytest.mark.parametrize(
    ("error", "permanent"),
    [
        (errors.AudioRejectedError("x"), True),
        (errors.SourceGoneError("x"), True),
        (errors.ResultExpiredError("x"), True),
        (errors.ForeignObjectError("x"), True),
        (errors.AccountError("x"), False),
        (errors.BudgetReachedError("x"), False),
        (errors.ConfigurationError("x"), False),
        (errors.UncertainError("x"), False),
        (ValueError("a fault of ours"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_succeed_is_given_up_at_once(error, permanent):
    assert GiveUp(permanent=permanent) == decide(error)


def test_a_failed_request_is_tried_again_until_the_attempts_are_spent():
    error = errors.RequestFailedError("x")

    kinds = [type(decide(error, attempts=attempt)) for attempt in range(1, POLICY.max_attempts + 1)]

    assert kinds == [Retry] * (POLICY.max_attempts - 1) + [GiveUp]


@pytest.mark.parametrize("error", [errors.ServiceUnavailableError("x"), errors.ThrottledError("x")])
def test_waiting_for_a_service_spends_no_attempt(error):
    """Waiting is not failing (I4): even a job whose attempts are spent is put off, not given up."""
    assert isinstance(decide(error, attempts=99), Retry)


def test_a_job_is_not_put_off_for_ever():
    assert GiveUp(permanent=False) == decide(errors.ServiceUnavailableError("x"), deferrals=POLICY.max_deferrals)


def test_a_delay_that_was_asked_for_is_kept_to():
    assert Retry(17.0) == decide(errors.ThrottledError("x", delay_s=17.0))


@given(st.integers(min_value=1, max_value=60), st.integers())
def test_backoff_is_bounded_and_never_zero(step, seed):
    delay = retry.backoff_s(step, POLICY, random.Random(seed))

    assert POLICY.base_s / 2 <= delay <= POLICY.max_s


@pytest.mark.parametrize(
    "error", [errors.RequestFailedError("x", "runner_server_error", 2.0), errors.AudioRejectedError("y")]
)
def test_a_stored_failure_is_decided_on_like_the_error_it_was(error):
    again = retry.error_of(retry.failure_of(error))

    assert (type(again), again.message, again.reason, again.delay_s) == (
        type(error),
        error.message,
        error.reason,
        error.delay_s,
    )


@pytest.mark.parametrize(
    ("error", "billed"),
    [
        (errors.RequestFailedError("x", "runner_server_error"), "no"),
        (errors.RequestFailedError("x", "file_download_error"), "maybe"),
        (errors.AudioRejectedError("x", "not_audio"), "no"),
        (errors.AudioRejectedError("x", "no_audio_stream"), "no"),
        (errors.AudioRejectedError("x", "unsupported_audio_format"), "maybe"),
        (errors.ResultExpiredError("x"), "yes"),
        (errors.UncertainError("x"), "maybe"),
        (errors.ServiceUnavailableError("x"), "no"),
        (errors.ServiceUnavailableError("x", "wait_timeout"), "maybe"),
        (ValueError("a fault of ours"), "maybe"),
    ],
    ids=lambda value: getattr(value, "reason", None) or str(value),
)
def test_what_is_not_known_to_be_free_may_have_been_billed(error, billed):
    assert retry.billing_of(retry.failure_of(error)) == billed


def test_a_failure_of_a_kind_that_is_none_of_ours_is_not_taken_for_one():
    """The name comes from a file in S3: it must not lead to just anything that errors.py has imported."""
    stored = Failure(kind="Mapping", reason="x", message="y")

    assert type(retry.error_of(stored)) is errors.NightscribeError
    assert retry.billing_of(stored) == "maybe"


def test_a_failure_of_ours_says_nothing_that_a_foreign_text_could_hold():
    failure = retry.failure_of(ValueError("https://x/?X-Amz-Signature=canary"))

    assert "canary" not in failure.message
    assert failure.reason == "internal_error"
    assert type(retry.error_of(failure)) is errors.NightscribeError
