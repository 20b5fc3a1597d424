"""A POST whose reply was lost: found in fal's history, submitted anew once that is safe, or shown as uncertain."""

from __future__ import annotations

import pytest
import stages

from pipeline import errors
from pipeline.models import IntentState, State
from pipeline.speech.memory import Script
from pipeline.transcribe import Later

UNREADABLE = errors.UncertainError("the key may not read the history", "history_unreadable")


@pytest.fixture
def house():
    return stages.House()


def lose_the_reply(house, *, accepted, **script):
    """Submits with a lost reply; the request is at fal or not."""
    house.script(Script(submit=errors.UncertainError("lost"), is_lost_but_accepted=accepted, **script), Script())
    outcome = house.work()
    assert isinstance(outcome, Later)
    assert house.intent().state is IntentState.INTENDED
    return outcome


def test_a_request_whose_reply_was_lost_is_found_and_never_sent_again(house):
    lose_the_reply(house, accepted=True)

    outcome = house.work()

    assert outcome.row.state is State.DONE
    assert len(house.transcriber.submits) == 1
    assert "adopted" in [line.what for line in house.intent().story]


def test_while_the_reply_is_lost_the_permit_stays_taken(house):
    """It may be in flight at fal."""
    lose_the_reply(house, accepted=True)

    assert house.held_permits == 1


def test_what_is_not_found_is_asked_for_again_and_not_submitted(house):
    lose_the_reply(house, accepted=False)

    delays_s = []
    for _ in range(4):
        outcome = house.work()
        delays_s.append(outcome.delay_s)
        house.later(seconds=60)

    assert delays_s == sorted(delays_s)
    assert delays_s[-1] <= 30
    assert len(house.transcriber.submits) == 1


def test_a_run_does_not_wait_for_ever_but_shows_the_job_as_uncertain_and_says_when_it_is_decided(house):
    lose_the_reply(house, accepted=False)
    house.later(minutes=11)

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason) == (State.UNCERTAIN, "submit_reply_lost")
    assert "UTC decides" in outcome.row.message
    assert len(house.transcriber.submits) == 1


def test_once_its_url_has_expired_what_is_not_found_never_began_and_is_submitted_anew(house):
    lose_the_reply(house, accepted=False)
    house.later(hours=24)

    outcome = house.work()

    assert (outcome.row.state, outcome.row.attempts) == (State.DONE, 1)
    assert len(house.transcriber.submits) == 2


def test_what_is_found_after_all_that_time_is_adopted_all_the_same(house):
    lose_the_reply(house, accepted=True)
    house.later(hours=24)

    assert house.work().row.state is State.DONE
    assert len(house.transcriber.submits) == 1


@pytest.mark.parametrize("hours", [1, 24])
def test_a_history_that_cannot_tell_leaves_it_uncertain_whatever_the_time(house, hours):
    lose_the_reply(house, accepted=True, find=UNREADABLE)
    house.later(hours=hours)

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason) == (State.UNCERTAIN, "history_unreadable")
    assert "--allow-rebill" in outcome.row.message
    assert len(house.transcriber.submits) == 1


def test_only_a_later_run_whose_person_has_agreed_pays_for_an_undecided_job(house):
    lose_the_reply(house, accepted=True, find=UNREADABLE)
    house.later(hours=1)
    agreed = house.job.model_copy(update={"allow_rebill": True})

    same_run = house.work(agreed)
    next_run = house.work(agreed.model_copy(update={"run_id": "run2", "prior_attempts": 1}))

    assert same_run.row.state is State.UNCERTAIN
    assert (next_run.row.state, next_run.row.attempts) == (State.DONE, 2)


def test_a_history_that_does_not_answer_now_is_asked_later(house):
    lose_the_reply(house, accepted=True, find=errors.ServiceUnavailableError("away"))

    outcome = house.work()

    assert isinstance(outcome, Later)
    assert house.intent().state is IntentState.INTENDED


def test_a_worker_dead_between_intent_and_post_costs_nothing_but_time(house):
    house.leave_intent(IntentState.INTENDED)

    early = house.work()
    house.later(hours=24)
    late = house.work()

    assert isinstance(early, Later)
    assert late.row.state is State.DONE
    assert len(house.transcriber.submits) == 1


def test_the_request_of_an_earlier_attempt_is_not_taken_for_the_lost_one(house):
    """Two attempts within one second may sign the same URL."""
    house.script(
        Script(fetch=errors.RequestFailedError("500")),
        Script(submit=errors.UncertainError("lost"), is_lost_but_accepted=False),
        Script(),
    )
    assert isinstance(house.work(), Later)
    assert isinstance(house.work(), Later)

    outcome = house.work()

    assert isinstance(outcome, Later)
    assert house.intent().request is None
