"""The transcribe stage: pay at most once, whatever was interrupted where; over memory implementations."""

from __future__ import annotations

import builders
import pytest
import stages

from pipeline import errors, keys, sidecars
from pipeline.cancellation import Cancelled
from pipeline.models import IntentState, Sidecar, State
from pipeline.speech.memory import Script
from pipeline.transcribe import IntentBook, Later, Settled, transcribe

POISON = errors.AudioRejectedError("not audio", "not_audio")


@pytest.fixture
def house():
    """A job whose audio lies in storage, and the tools to work on it."""
    return stages.House()


def test_a_new_object_becomes_a_sidecar_and_a_row(house):
    outcome = transcribe(house.job, house.tools)

    sidecar = Sidecar.model_validate_json(house.read(keys.sidecar_key(builders.OUTPUT, house.job.object.key)))
    assert isinstance(outcome, Settled)
    assert (outcome.row.state, outcome.row.words, outcome.keep_intent) == (State.DONE, 2, False)
    assert (sidecar.text, sidecar.object, sidecar.job_id) == ("Hello night.", house.job.object, house.job.job_id)
    assert (sidecar.duration_s, sidecar.attempts) == (60.0, 1)
    assert len(house.transcriber.submits) == 1


def test_the_sidecar_knows_itself_by_its_metadata(house):
    outcome = transcribe(house.job, house.tools)

    head = house.storage.head("podcasts", keys.sidecar_key(builders.OUTPUT, house.job.object.key))
    stamp = sidecars.from_metadata(head.metadata)
    assert sidecars.row_of(house.job.object, builders.OUTPUT, stamp, head.etag) == outcome.row


def test_a_repeated_message_reports_the_row_and_pays_nothing(house):
    first = transcribe(house.job, house.tools)
    IntentBook(house.storage).delete(house.job)

    second = transcribe(house.job, house.tools)

    assert second.row == first.row
    assert len(house.transcriber.submits) == 1


def test_the_intent_is_in_s3_before_the_post_and_holds_the_request_after_it(house):
    seen = []
    house.transcriber.on_submit = lambda: seen.append(house.intent())

    transcribe(house.job, house.tools)

    assert [intent.state for intent in seen] == [IntentState.INTENDED]
    assert house.intent().state is IntentState.SUBMITTED
    assert house.intent().request.request_id == "request-1"


def test_a_worker_that_died_while_waiting_is_resumed_by_request_id(house):
    house.script(Script(wait=Cancelled()))
    with pytest.raises(Cancelled):
        transcribe(house.job, house.tools)
    house.finish("request-1")

    outcome = transcribe(house.job, house.tools)

    assert outcome.row.state is State.DONE
    assert outcome.row.request_id == "request-1"
    assert len(house.transcriber.submits) == 1


def test_a_lost_reply_is_parked_and_never_sent_again(house):
    house.script(Script(submit=errors.UncertainError("the reply was lost")))

    first = transcribe(house.job, house.tools)
    house.later(hours=1)
    second = transcribe(house.job, house.tools)

    assert [first.row.state, second.row.state] == [State.UNCERTAIN, State.UNCERTAIN]
    assert first.keep_intent
    assert len(house.transcriber.submits) == 1


def test_an_intent_without_a_request_is_given_the_time_a_reply_may_take(house):
    """Another worker may be in the middle of the POST: it is too early to call it lost."""
    house.leave_intent(IntentState.INTENDED)

    outcome = transcribe(house.job, house.tools)

    assert isinstance(outcome, Later)
    assert outcome.failure.reason == "intent_contended"
    assert house.transcriber.submits == []


@pytest.mark.parametrize(
    "refusal",
    [
        errors.ServiceUnavailableError("fal is away"),
        errors.ThrottledError("429", delay_s=4.0),
        errors.AudioRejectedError("422", "bad"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_refused_post_leaves_no_intent_behind(house, refusal):
    """Nothing was accepted, so the next attempt must be free to submit."""
    house.script(Script(submit=refusal))

    transcribe(house.job, house.tools)

    assert house.intent() is None
    assert house.held_permits == 0


@pytest.mark.parametrize(
    "refusal",
    [errors.AccountError("locked", "account_locked"), errors.ConfigurationError("no such model", "unknown_model")],
    ids=lambda error: type(error).__name__,
)
def test_what_every_job_would_meet_stops_the_run_and_settles_nothing(house, refusal):
    house.script(Script(submit=refusal))

    with pytest.raises(type(refusal)):
        transcribe(house.job, house.tools)

    assert house.intent() is None


def test_a_request_that_failed_at_fal_is_followed_by_another_until_attempts_are_spent(house):
    house.script(Script(fetch=errors.RequestFailedError("500", "runner_server_error")))

    outcomes = [transcribe(house.job, house.tools) for _ in range(4)]

    assert [type(outcome) for outcome in outcomes] == [Later, Later, Settled, Settled]
    assert (outcomes[2].row.state, outcomes[2].row.reason) == (State.FAILED, "runner_server_error")
    assert (outcomes[2].row.attempts, outcomes[2].row.permanent) == (3, False)
    assert len(house.transcriber.submits) == 3


def test_the_second_attempt_keeps_the_first_request_in_its_history(house):
    house.script(Script(fetch=errors.RequestFailedError("500")), Script())
    transcribe(house.job, house.tools)

    outcome = transcribe(house.job, house.tools)

    assert outcome.row.attempts == 2
    assert [request.request_id for request in house.intent().past] == ["request-1"]


def test_a_failure_stays_as_a_tombstone_so_that_a_repeated_message_pays_nothing(house):
    house.script(Script(fetch=errors.AudioRejectedError("too long", "audio_duration_too_long")))

    first = transcribe(house.job, house.tools)
    second = transcribe(house.job, house.tools)

    assert first.keep_intent
    assert (second.row.state, second.row.reason) == (State.FAILED, "audio_duration_too_long")
    assert second.row.permanent
    assert len(house.transcriber.submits) == 1


def test_retry_failed_goes_on_where_the_attempts_of_earlier_runs_ended(house):
    house.script(Script(fetch=errors.AudioRejectedError("no", "rejected")), Script())
    transcribe(house.job, house.tools)

    outcome = transcribe(house.job.model_copy(update={"prior_attempts": 1}), house.tools)

    assert (outcome.row.state, outcome.row.attempts) == (State.DONE, 2)
