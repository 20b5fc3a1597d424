"""Intents: what a worker does next follows from what lies in S3; writes are conditional and recognise themselves."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import builders
import pytest
import stages

from pipeline import errors
from pipeline.models import Intent, IntentState
from pipeline.retry import failure_of
from pipeline.storage.base import PreconditionFailedError
from pipeline.transcribe import IntentBook, intents, transcribe


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


@pytest.mark.parametrize(
    ("changes", "prior", "age_s", "expected"),
    [
        (None, 0, 0, intents.Submit(1)),
        (None, 2, 0, intents.Submit(3)),
        (SUBMITTED, 0, 9999, intents.Resume(builders.request())),
        ({}, 0, 10, intents.AskLater(50.0)),
        ({}, 0, 61, intents.Park()),
        ({"state": IntentState.FAILED, "failure": FAILED_REQUEST}, 0, 0, intents.Submit(2)),
        (
            {"state": IntentState.FAILED, "failure": FAILED_REQUEST, "attempt": 3},
            0,
            0,
            intents.Report(FAILED_REQUEST, 3),
        ),
        ({"state": IntentState.FAILED, "failure": REJECTED}, 0, 0, intents.Report(REJECTED, 1)),
        ({"state": IntentState.FAILED, "failure": REJECTED}, 1, 0, intents.Submit(2)),
    ],
)
def test_the_next_step_follows_from_the_intent(changes, prior, age_s, expected):
    job = builders.job(prior_attempts=prior)
    intent = None if changes is None else stages.intent_of(job, **changes)

    step = intents.next_step(
        intent,
        job,
        builders.NOW + timedelta(seconds=age_s),
        reply_within_s=60.0,
        policy=builders.settings().retry,
    )

    assert step == expected


def test_the_tools_can_be_replaced_one_by_one(house):
    """Guards the fixture itself: a stage that ignored its tools would pass many tests above."""
    tools = replace(house.tools, jitter=random.Random(1))

    assert transcribe(house.job, tools).row.request_id == "request-1"


def test_intents_survive_their_json(house):
    intent = stages.intent_of(house.job, **SUBMITTED)

    assert Intent.model_validate_json(intent.model_dump_json()) == intent
