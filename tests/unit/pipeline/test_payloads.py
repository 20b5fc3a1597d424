"""--delete-payloads, --no-store-io and the price of a job, in the protocol: never at anybody's cost."""

from __future__ import annotations

from datetime import date

import builders
import pytest
import stages
from structlog.testing import capture_logs

from pipeline import errors
from pipeline.limits.base import Amount, Ceiling
from pipeline.models import Handling, IntentState, Price, State
from pipeline.speech.memory import Script
from pipeline.transcribe import IntentBook, Later


def house_with(**handling):
    house = stages.House()
    house.job = house.job.model_copy(update={"handling": Handling(**handling)})
    return house


def deletions(house):
    return [request_id for act, request_id in house.transcriber.calls if act == "delete_payloads"]


def test_the_copies_are_deleted_once_the_sidecar_is_there():
    house = house_with(delete_payloads=True)

    row = house.work().row

    assert deletions(house) == [row.request_id]
    assert house.transcriber.calls[-1][0] == "delete_payloads"


def test_nobody_deletes_what_nobody_asked_to_delete():
    house = house_with()
    house.work()

    assert deletions(house) == []


def test_a_repeated_message_deletes_what_a_dead_worker_has_left():
    house = house_with()
    row = house.work().row
    repeated = house.job.model_copy(update={"handling": Handling(delete_payloads=True)})

    house.work(repeated)
    house.work(repeated)

    assert deletions(house) == [row.request_id] * 2


@pytest.mark.parametrize("handling", [{"delete_payloads": True}, {"store_io": False}])
def test_what_shows_no_input_any_more_is_known_to_all_workers(handling):
    """Else each such row in the history would be held for the request of another job whose reply was lost."""
    house = house_with(**handling)

    row = house.work().row

    assert house.unshown.ids() == {row.request_id}


def test_a_lost_request_is_looked_for_among_those_whose_input_could_be_shown():
    house = house_with()
    house.unshown.note("another's")
    house.script(Script(submit=errors.UncertainError("lost"), is_lost_but_accepted=True), Script())
    house.work()

    house.work()

    assert "another's" in house.transcriber.excluded


def test_a_list_that_cannot_be_written_harms_nobody():
    house = house_with(delete_payloads=True)
    house.unshown.note = _away

    assert house.work().row.state is State.DONE
    assert len(deletions(house)) == 1


def _away(_request_id):
    raise errors.ServiceUnavailableError("away")


def test_a_request_that_failed_keeps_its_copies():
    house = house_with(delete_payloads=True)
    house.script(Script(fetch=errors.AudioRejectedError("no audio")))

    assert house.work().row.state is State.FAILED
    assert deletions(house) == []


@pytest.mark.parametrize(
    "error", [errors.AccountError("no scope", "forbidden"), errors.ServiceUnavailableError("away"), RuntimeError("bug")]
)
def test_what_cannot_be_deleted_is_one_line_in_the_log_and_harms_no_job(error):
    house = house_with(delete_payloads=True)
    house.script(Script(answer=builders.answer(), delete=error))

    with capture_logs() as lines:
        row = house.work().row

    assert row.state is State.DONE
    (line,) = [line for line in lines if line["event"] == "payloads_not_deleted"]
    assert (line["log_level"], line["so_far"]) == ("warning", 1)
    assert house.runs.stop_order() is None


def test_the_price_of_a_job_is_that_of_its_plan_also_where_no_price_is_configured():
    """Reserved and settled alike, on a worker that knows none."""
    house = stages.House()
    scribe = Price(endpoint_id="fal-ai/whisper", usd_per_audio_hour=1.8, listed_on=date(2026, 11, 23))
    house.budget.open("run1", Ceiling(cost_usd=0.05), spent=Amount(), reserved={})

    row = house.work(house.job.model_copy(update={"prices": (scribe,), "budgeted": True})).row

    assert row.cost_usd == pytest.approx(0.03)
    assert house.intent().reserved_usd == pytest.approx(0.03)
    assert house.budget.use("run1").spent.cost_usd == pytest.approx(0.03)


def lose_the_reply(*, accepted, **handling):
    house = house_with(store_io=False, **handling)
    house.script(Script(submit=errors.UncertainError("lost"), is_lost_but_accepted=accepted), Script())
    assert isinstance(house.work(), Later)
    return house


def test_the_intent_says_that_fal_stores_nothing():
    house = house_with(store_io=False)
    house.work()

    assert house.intent().store_io is False


@pytest.mark.parametrize("accepted", [True, False])
def test_what_no_history_can_show_is_never_submitted_anew(accepted):
    """The money of --no-store-io: that a request is not found says nothing about it, however long ago it was."""
    house = lose_the_reply(accepted=accepted)
    house.later(hours=24 * 30)

    row = house.work().row

    assert (row.state, row.reason) == (State.UNCERTAIN, "not_stored")
    assert "--allow-rebill" in row.message
    assert "decides" not in row.message
    assert len(house.transcriber.submits) == 1


def test_it_is_said_soon():
    house = lose_the_reply(accepted=True)
    house.later(seconds=61)

    assert house.work().row.reason == "not_stored"


def test_fal_may_still_call_back_for_as_long_as_a_history_would_be_asked():
    house = lose_the_reply(accepted=True)
    kept = IntentBook(house.storage).read(house.job)
    IntentBook(house.storage).write(house.job, kept.intent.model_copy(update={"webhook_token": "t"}), kept.etag)
    house.later(seconds=61)

    assert isinstance(house.work(), Later)
    house.later(minutes=10)
    assert house.work().row.reason == "not_stored"


def test_no_history_is_read_for_what_it_cannot_show():
    house = lose_the_reply(accepted=True)
    house.work()

    assert "find" not in [act for act, _ in house.transcriber.calls]


def test_what_counts_is_how_the_request_was_submitted_and_not_how_the_next_run_would():
    house = lose_the_reply(accepted=True)
    house.later(hours=24)

    row = house.work(house.job.model_copy(update={"run_id": "run2", "handling": Handling()})).row

    assert row.reason == "not_stored"
    assert len(house.transcriber.submits) == 1


def test_a_person_may_agree_to_pay_again():
    house = lose_the_reply(accepted=True)
    house.later(hours=1)
    agreed = house.job.model_copy(update={"allow_rebill": True, "run_id": "run2", "prior_attempts": 1})

    assert house.work(agreed).row.state is State.DONE
    assert house.intent().state is IntentState.SUBMITTED
    assert len(house.transcriber.submits) == 2
