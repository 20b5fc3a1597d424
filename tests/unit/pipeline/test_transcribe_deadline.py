"""The transcribe stage under a deadline: nothing is submitted from then on, and what was is collected."""

from __future__ import annotations

from datetime import timedelta

import builders
import pytest
import stages

from pipeline import errors
from pipeline.cancellation import Cancelled
from pipeline.models import Handling, IntentState, State
from pipeline.speech.memory import Script
from pipeline.transcribe import Dropped, Later, Settled

DEADLINE = builders.NOW + timedelta(hours=1)


@pytest.fixture
def house():
    """A job that may be submitted for an hour."""
    made = stages.House()
    made.job = made.job.model_copy(update={"handling": Handling(submit_before=DEADLINE)})
    return made


def is_as_before(house):
    """Whether the job is to be planned again, and nothing is held for it."""
    return (
        house.transcriber.submits == []
        and house.runs.outstanding(house.job.run_id) == 0
        and house.runs.rows(house.job.run_id, 0, 9) == []
        and house.held_permits == 0
    )


def test_in_time_it_is_submitted(house):
    house.later(minutes=59, seconds=59)

    assert isinstance(house.work(), Settled)


def test_a_job_that_comes_too_late_asks_for_nothing_and_is_dropped(house):
    house.later(hours=1)
    house.probe.on_probe = lambda: pytest.fail("the audio was looked at")

    outcome = house.work()

    assert isinstance(outcome, Dropped)
    assert "deadline" in outcome.why
    assert is_as_before(house)
    assert house.intent() is None


def test_a_job_whose_permit_comes_too_late_writes_no_intent(house):
    house.probe.on_probe = lambda: house.later(hours=1)

    assert isinstance(house.work(), Dropped)
    assert is_as_before(house)
    assert house.intent() is None


def test_a_job_that_is_too_late_at_its_last_look_withdraws_its_intent(house):
    house.storage.on_intent_written = lambda: house.later(hours=1)

    assert isinstance(house.work(), Dropped)
    assert is_as_before(house)
    assert house.intent().state is IntentState.WITHDRAWN


def test_what_was_accepted_in_time_is_collected_after_it(house):
    house.script(Script(wait=Cancelled()))
    with pytest.raises(Cancelled):
        house.work()
    house.finish("request-1")
    house.later(hours=2)

    outcome = house.work()

    assert outcome.row.state is State.DONE
    assert len(house.transcriber.submits) == 1


def test_a_lost_reply_is_asked_after_and_not_answered_with_another_request(house):
    """It is not submitted anew although fal's history shows that it never began."""
    house.leave_intent(IntentState.INTENDED)
    house.later(days=1)

    assert isinstance(house.work(), Dropped)
    assert house.transcriber.submits == []


def test_a_retry_that_would_come_too_late_is_not_waited_for(house):
    house.script(Script(fetch=errors.RequestFailedError("a runner died", "runner_error", 7200.0)))

    assert isinstance(house.work(), Dropped)
    assert house.intent().state is IntentState.FAILED
    assert house.runs.outstanding(house.job.run_id) == 0


def test_a_retry_in_time_is_waited_for(house):
    house.script(Script(fetch=errors.RequestFailedError("a runner died", "runner_error", 60.0)))

    assert isinstance(house.work(), Later)
