"""Where one object stands, what comes next, and what to do."""

from __future__ import annotations

from datetime import timedelta

import builders
import looking
import pytest
from stages import House, intent_of

from pipeline import errors, keys
from pipeline.explain import Stands, outlook, told
from pipeline.limits.base import Amount, Ceiling
from pipeline.models import IntentState, State
from pipeline.runs.base import StopOrder, WorkerSummary
from pipeline.speech.memory import Script

KEY = "show/ep1.mp3"


@pytest.fixture
def house():
    return House()


def stands(house, **options):
    return outlook(looking.look_at(house, **options))


def test_a_doubt_about_another_recipe_comes_before_the_transcript(house):
    house.work()
    house.forget_intent()
    house.job = builders.job(house.job.object, builders.recipe("fal-ai/wizper"))
    house.leave_intent(IntentState.INTENDED)
    looking.write_manifest(house.storage, builders.row(job_id=house.job.job_id))

    assert stands(house).stands is Stands.UNCERTAIN


def test_an_object_that_nobody_knows_yet_is_new(house):
    found = looking.look_at(house)

    assert (outlook(found).stands, told(found)) == (Stands.NEW, [])
    assert "nightscribe backfill s3://podcasts/" in outlook(found).next


def test_a_key_that_is_no_audio_is_said_to_be_none(house):
    house.storage.put("podcasts", "notes.txt", b"x")

    assert "does not end like audio" in stands(house, key="notes.txt").now


def test_an_object_that_is_gone_has_a_story_and_no_future(house):
    house.work()
    house.storage.delete("podcasts", KEY)

    outcome = stands(house)

    assert outcome.stands is Stands.GONE
    assert "transcript is still there" in outcome.now
    assert told(looking.look_at(house))


def test_a_replaced_audio_is_said_to_be_planned_anew(house):
    house.work()
    house.forget_intent()
    house.new_version(b"another recording")

    assert stands(house).stands is Stands.CHANGED
    assert looking.look_at(house).etag_of_story != looking.look_at(house).audio.etag


def test_an_accepted_request_is_collected_and_not_paid_again(house):
    house.script(Script(wait=errors.ServiceUnavailableError("fal is away")))
    house.work()
    house.state.jobs.clear()

    outcome = stands(house)

    assert outcome.stands is Stands.AT_FAL
    assert "request-1" in outcome.now
    assert "without paying again: nightscribe backfill" in outcome.next


def test_a_lost_reply_says_when_it_is_decided_and_how_to_go_before_that(house):
    house.leave_intent(IntentState.INTENDED)
    decided_at = house.now + timedelta(seconds=21600 + 3600 + 2)  # the URL's life, the history's lag, the clocks

    early, late = stands(house), stands(house, now=decided_at)

    assert {early.stands, late.stands} == {Stands.UNCERTAIN}
    assert f"from {decided_at:%Y-%m-%d %H:%M:%SZ} on" in early.next
    assert "A run decides now" in late.next
    assert "retry-failed s3://podcasts/ --allow-rebill" in early.next


def test_at_a_public_address_no_time_decides_about_a_lost_reply(house):
    intent = intent_of(house.job, delivery="public").model_dump_json()
    house.storage.put("podcasts", keys.intent_key(house.job.output, house.job.job_id), intent.encode())

    outcome = stands(house, now=house.now + timedelta(days=30))

    assert outcome.stands is Stands.UNCERTAIN
    assert "never expires, so that no time decides" in outcome.next
    assert "--allow-rebill" in outcome.next


@pytest.mark.parametrize("reason", ["submit_reply_lost", "history_unreadable"])
def test_a_history_that_cannot_tell_leaves_it_to_a_person(house, reason):
    house.leave_intent(IntentState.INTENDED)
    row = builders.row(state=State.UNCERTAIN, reason=reason, message="What became of it?", job_id=house.job.job_id)
    looking.write_manifest(house.storage, row)
    no_history = {"NIGHTSCRIBE_FAL_PLATFORM_URL": ""} if reason == "submit_reply_lost" else {}

    outcome = stands(house, **no_history)

    assert outcome.stands is Stands.UNCERTAIN
    assert "What became of it?" in outcome.now
    assert "look for the request in fal's dashboard" in outcome.next
    assert ("asks fal's history again" in outcome.next) == (reason == "history_unreadable")


def test_an_intent_without_a_row_tells_of_its_failure(house):
    house.script(Script(fetch=errors.ResultExpiredError("It is gone.")))
    house.work()
    house.state.jobs.clear()

    outcome = stands(house)

    assert outcome.stands is Stands.FAILED
    assert "It is gone." in outcome.now
    assert "--allow-rebill" in outcome.next


def test_a_withdrawn_intent_leaves_the_object_free(house):
    house.leave_intent(IntentState.WITHDRAWN)

    assert stands(house).stands is Stands.PENDING


OF_NOW = {"recipe": builders.recipe().hash, "message": "What happened."}


@pytest.mark.parametrize(
    ("row", "state", "advice"),
    [
        ({"state": State.FAILED, "reason": "timeout"} | OF_NOW, Stands.FAILED, "The next run looks at it again"),
        ({"state": State.FAILED, "reason": "not_audio", "permanent": True} | OF_NOW, Stands.FAILED, "retry-failed s3"),
        ({"state": State.FAILED, "reason": "empty_object", "permanent": True, "recipe": None}, Stands.FAILED, "next"),
        ({"state": State.FAILED, "reason": "result_expired", "permanent": True}, Stands.FAILED, "--allow-rebill"),
        ({"state": State.UNCERTAIN, "reason": "submit_reply_lost"}, Stands.UNCERTAIN, "history again"),
        ({"state": State.SKIPPED, "reason": "excluded"}, Stands.SKIPPED, "without that filter"),
        ({"state": State.PENDING, "reason": "planned"}, Stands.PENDING, "backfill s3://podcasts/"),
        ({"state": State.PENDING, "reason": "over_limit"}, Stands.PENDING, "backfill s3://podcasts/"),
    ],
)  # fmt: skip
def test_a_row_tells_where_the_object_stands_and_what_to_do(house, row, state, advice):
    audio = looking.look_at(house).audio
    looking.write_manifest(house.storage, builders.row(**{"etag": audio.etag, "size_bytes": audio.size_bytes} | row))

    outcome = stands(house)

    assert outcome.stands is state
    assert advice in outcome.next


class TestLive:
    """What is going on, as Redis tells it."""

    @pytest.fixture
    def house(self):
        house = House()
        live = looking.live_parts(house.state)
        live.runs.open("a", "h", new_run_id="run1", archive_uri="s3://podcasts/show/", endpoint_id="fal-ai/whisper")
        live.runs.add("run1", [house.job])
        live.runs.show_worker(WorkerSummary("w", slots=1, busy=0))
        return house

    def test_a_job_that_waits_is_queued(self, house):
        outcome = stands(house)

        assert (outcome.stands, outcome.next) == (Stands.QUEUED, "A worker takes it by itself.")
        assert "run run1" in outcome.now

    def test_a_job_without_workers_asks_for_one(self, house):
        house.state.workers.clear()

        assert "make worker" in stands(house).next

    def test_an_order_to_stop_is_passed_on(self, house):
        house.state.stop_order = StopOrder("locked", "The balance is exhausted.")

        assert "The balance is exhausted." in stands(house).next
        assert "nightscribe backfill s3://podcasts/show/" in stands(house).next

    def test_a_run_at_its_ceiling_asks_for_a_higher_one(self, house):
        house.budget.open("run1", Ceiling(cost_usd=0.0), spent=Amount(), reserved={})
        with pytest.raises(errors.BudgetReachedError):
            house.budget.reserve("run1", house.job.job_id, Amount(1.0))

        assert "nightscribe backfill s3://podcasts/show/ --max-cost" in stands(house).next

    def test_a_run_without_its_dispatcher_is_said_to_need_one(self, house):
        house.state.open_runs["a"].alive_until = float("-inf")

        assert "manifest is written by: nightscribe backfill s3://podcasts/show/" in stands(house).next

    @pytest.mark.parametrize(
        ("state", "doing"),
        [
            (None, "0 of 4 in use"),
            (IntentState.INTENDED, "sends the request"),
            (IntentState.SUBMITTED, "waits for fal"),
        ],
    )
    def test_a_job_at_work_is_told_with_its_worker_and_what_it_does(self, house, state, doing):
        house.leases.acquire(house.job)
        if state is not None:
            house.leave_intent(state)
        if state is IntentState.SUBMITTED:
            accepted = house.intent().model_copy(update={"request": builders.request("r-7")})
            key = keys.intent_key(house.job.output, house.job.job_id)
            house.storage.put("podcasts", key, accepted.model_dump_json().encode())

        outcome = stands(house)

        assert outcome.stands is Stands.WORKING
        assert "worker-1" in outcome.now
        assert doing in outcome.now
