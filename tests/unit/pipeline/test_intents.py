"""Intents: what a worker does next follows from what lies in S3; writes are conditional and recognise themselves."""

from __future__ import annotations

from datetime import timedelta

import builders
import pytest
import stages

from pipeline import errors
from pipeline.models import Intent, IntentState
from pipeline.retry import failure_of
from pipeline.storage.base import PreconditionFailedError
from pipeline.transcribe import IntentBook, intents


@pytest.fixture
def house():
    return stages.House()


def test_a_write_whose_reply_was_lost_is_recognised_as_ours(house):
    """botocore sends the conditional PUT again, which then loses against itself."""
    book = IntentBook(house.storage)
    intent = house.leave_intent(IntentState.INTENDED)

    kept = book.write(house.job, intent, None)

    assert kept.intent == intent


def test_a_write_that_lost_against_another_says_so(house):
    house.leave_intent(IntentState.INTENDED)

    with pytest.raises(PreconditionFailedError):
        IntentBook(house.storage).write(house.job, stages.intent_of(house.job, owner="us"), None)


SUBMITTED = {"state": IntentState.SUBMITTED, "request": builders.request()}
FAILED_REQUEST = failure_of(errors.RequestFailedError("500"))
REJECTED = failure_of(errors.AudioRejectedError("no"))
EXPIRED = failure_of(errors.ResultExpiredError("gone"))
EXPIRES_AT = builders.NOW + timedelta(seconds=600)


@pytest.mark.parametrize(
    ("changes", "prior", "expected"),
    [
        (None, 0, intents.Submit(1)),
        (None, 2, intents.Submit(3)),
        ({"state": IntentState.WITHDRAWN, "attempt": 2}, 0, intents.Submit(2)),
        (SUBMITTED, 0, intents.Resume(builders.request())),
        ({"state": IntentState.FAILED, "failure": FAILED_REQUEST}, 0, intents.Submit(2)),
        ({"state": IntentState.FAILED, "failure": FAILED_REQUEST, "attempt": 3}, 0, intents.Report(FAILED_REQUEST, 3)),
        ({"state": IntentState.FAILED, "failure": REJECTED}, 0, intents.Report(REJECTED, 1)),
        ({"state": IntentState.FAILED, "failure": REJECTED}, 1, intents.Submit(2)),
        ({"state": IntentState.FAILED, "failure": EXPIRED}, 0, intents.Report(EXPIRED, 1)),
        ({"state": IntentState.FAILED, "failure": EXPIRED}, 1, intents.Report(EXPIRED, 1)),
    ],
)
def test_the_next_step_follows_from_the_intent(changes, prior, expected):
    job = builders.job(prior_attempts=prior)
    intent = None if changes is None else stages.intent_of(job, **changes)

    assert intents.next_step(intent, job, builders.NOW, builders.settings()) == expected


@pytest.mark.parametrize(("prior", "expected"), [(0, intents.Report(EXPIRED, 1)), (1, intents.Submit(2))])
def test_a_result_that_was_paid_for_is_paid_again_only_by_a_later_run_that_agrees(prior, expected):
    job = builders.job(prior_attempts=prior, allow_rebill=True)
    intent = stages.intent_of(job, state=IntentState.FAILED, failure=EXPIRED)

    assert intents.next_step(intent, job, builders.NOW, builders.settings()) == expected


@pytest.mark.parametrize(
    ("after_s", "agreed", "run_id", "expected"),
    [
        (0, False, "run0", intents.Reconcile(is_over=False, may_rebill=False)),
        (599, False, "run0", intents.Reconcile(is_over=False, may_rebill=False)),
        (632, False, "run0", intents.Reconcile(is_over=True, may_rebill=False)),
        (0, True, "run0", intents.Reconcile(is_over=False, may_rebill=True)),
        (0, True, "run1", intents.Reconcile(is_over=False, may_rebill=False)),
    ],
    ids=["at once", "while its URL lives", "after it", "agreed before this run", "agreed for another intent"],
)
def test_an_intent_without_a_request_is_reconciled_and_free_once_its_url_has_expired(after_s, agreed, run_id, expected):
    job = builders.job(allow_rebill=agreed)
    intent = stages.intent_of(job, run_id=run_id, url_expires_at=EXPIRES_AT)
    now = builders.NOW + timedelta(seconds=after_s)

    assert intents.next_step(intent, job, now, builders.settings(NIGHTSCRIBE_FAL_HISTORY_LAG_S="30")) == expected


def test_intents_survive_their_json(house):
    intent = stages.intent_of(house.job, **SUBMITTED)

    assert Intent.model_validate_json(intent.model_dump_json()) == intent
