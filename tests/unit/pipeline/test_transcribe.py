"""The transcribe stage: pay at most once, whatever was interrupted where; over memory implementations."""

from __future__ import annotations

import builders
import pytest
import stages

from pipeline import errors, keys, sidecars
from pipeline.cancellation import Cancelled
from pipeline.models import IntentState, Sidecar, State
from pipeline.speech.memory import Script
from pipeline.transcribe import Dropped, Later, Settled

POISON = errors.AudioRejectedError("not audio", "not_audio")


@pytest.fixture
def house():
    """A job whose audio lies in storage, and the tools to work on it."""
    return stages.House()


def test_a_new_object_becomes_a_sidecar_and_a_row(house):
    outcome = house.work()

    sidecar = Sidecar.model_validate_json(house.read(keys.sidecar_key(builders.OUTPUT, house.job.object.key)))
    assert isinstance(outcome, Settled)
    assert (outcome.row.state, outcome.row.words) == (State.DONE, 2)
    assert house.runs.rows(house.job.run_id, 0, 9) == [outcome.row]
    assert (sidecar.text, sidecar.object, sidecar.job_id) == ("Hello night.", house.job.object, house.job.job_id)
    assert (sidecar.duration_s, sidecar.attempts) == (60.0, 1)
    assert len(house.transcriber.submits) == 1


def test_the_sidecar_knows_itself_by_its_metadata(house):
    outcome = house.work()

    head = house.storage.head("podcasts", keys.sidecar_key(builders.OUTPUT, house.job.object.key))
    stamp = sidecars.from_metadata(head.metadata)
    assert sidecars.row_of(house.job.object, builders.OUTPUT, stamp, head.etag) == outcome.row


def test_a_repeated_message_reports_the_row_and_pays_nothing(house):
    first = house.work()
    house.forget_intent()

    second = house.work()

    assert second.row == first.row
    assert len(house.transcriber.submits) == 1


def test_the_intent_is_in_s3_before_the_post_and_holds_the_request_after_it(house):
    seen = []
    house.transcriber.on_submit = lambda: seen.append(house.intent())

    house.work()

    assert [intent.state for intent in seen] == [IntentState.INTENDED]
    assert house.intent().state is IntentState.SUBMITTED
    assert house.intent().request.request_id == "request-1"


def test_a_worker_that_died_while_waiting_is_resumed_by_request_id(house):
    house.script(Script(wait=Cancelled()))
    with pytest.raises(Cancelled):
        house.work()
    house.finish("request-1")

    outcome = house.work()

    assert outcome.row.state is State.DONE
    assert outcome.row.request_id == "request-1"
    assert len(house.transcriber.submits) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        errors.ServiceUnavailableError("fal is away"),
        errors.ThrottledError("429", delay_s=4.0),
        errors.AudioRejectedError("422", "bad"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_refused_post_withdraws_its_intent(house, refusal):
    """Nothing was accepted, so the next attempt must be free to submit."""
    house.script(Script(submit=refusal))

    house.work()

    assert house.intent().state is IntentState.WITHDRAWN
    assert house.held_permits == 0


@pytest.mark.parametrize(
    "refusal",
    [errors.AccountError("locked", "account_locked"), errors.ConfigurationError("no such model", "unknown_model")],
    ids=lambda error: type(error).__name__,
)
def test_what_every_job_would_meet_stops_the_run_and_settles_nothing(house, refusal):
    house.script(Script(submit=refusal))

    outcome = house.work()

    assert isinstance(outcome, Dropped)
    assert house.runs.stop_order().reason == refusal.reason
    assert house.runs.rows(house.job.run_id, 0, 9) == []
    assert house.intent().state is IntentState.WITHDRAWN


def test_a_request_that_failed_at_fal_is_followed_by_another_until_attempts_are_spent(house):
    house.script(Script(fetch=errors.RequestFailedError("500", "runner_server_error")))

    outcomes = [house.work() for _ in range(4)]

    assert [type(outcome) for outcome in outcomes] == [Later, Later, Settled, Settled]
    assert (outcomes[2].row.state, outcomes[2].row.reason) == (State.FAILED, "runner_server_error")
    assert (outcomes[2].row.attempts, outcomes[2].row.permanent) == (3, False)
    assert len(house.transcriber.submits) == 3


def test_the_second_attempt_keeps_the_first_request_in_its_history(house):
    house.script(Script(fetch=errors.RequestFailedError("500")), Script())
    house.work()

    outcome = house.work()

    assert outcome.row.attempts == 2
    assert [request.request_id for request in house.intent().past] == ["request-1"]


def test_a_failure_stays_as_a_tombstone_so_that_a_repeated_message_pays_nothing(house):
    house.script(Script(fetch=errors.AudioRejectedError("too long", "audio_duration_too_long")))

    first = house.work()
    second = house.work()

    assert first.row.permanent
    assert (second.row.state, second.row.reason) == (State.FAILED, "audio_duration_too_long")
    assert second.row.permanent
    assert len(house.transcriber.submits) == 1


def test_retry_failed_goes_on_where_the_attempts_of_earlier_runs_ended(house):
    house.script(Script(fetch=errors.AudioRejectedError("no", "rejected")), Script())
    house.work()

    outcome = house.work(house.job.model_copy(update={"prior_attempts": 1}))

    assert (outcome.row.state, outcome.row.attempts) == (State.DONE, 2)
