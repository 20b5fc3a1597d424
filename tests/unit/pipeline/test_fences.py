"""What a worker that was asleep, a run that was stopped, and a budget that is used up do not do."""

from __future__ import annotations

import pytest
import stages

from pipeline import errors, keys
from pipeline.limits.base import Amount, Ceiling
from pipeline.models import IntentState, State
from pipeline.runs.base import StopOrder
from pipeline.speech.memory import Script
from pipeline.transcribe import Dropped, Later, NotOurs


@pytest.fixture
def house():
    return stages.House()


def taken_over(house):
    """Another worker has got the job while this one was asleep."""
    house.lease_runs_out()
    return replace_owner(house).acquire(house.job)


def replace_owner(house):
    return type(house.leases)(house.state, owner="worker-2", lease_s=30.0)


def test_a_worker_that_was_asleep_for_longer_than_its_lease_does_not_submit(house):
    house.probe.on_probe = lambda: taken_over(house)

    outcome = house.work()

    assert (type(outcome), outcome.failure.reason) == (Later, "lease_lost")
    assert house.transcriber.submits == []
    assert house.intent().state is IntentState.WITHDRAWN
    assert house.held_permits == 0


def test_nor_does_it_write_a_sidecar(house):
    house.transcriber.on_fetch = lambda: taken_over(house)

    outcome = house.work()

    assert (type(outcome), outcome.failure.reason) == (Later, "intent_contended")
    assert house.storage.head("podcasts", keys.sidecar_key(house.job.output, house.job.object.key)) is None


def test_nor_does_it_report_a_failure_of_a_job_that_another_carries_on(house):
    house.probe.error = errors.AudioRejectedError("not audio", "not_audio")
    house.probe.on_probe = lambda: taken_over(house)

    outcome = house.work()

    assert isinstance(outcome, NotOurs)
    assert house.runs.rows(house.job.run_id, 0, 9) == []
    assert house.runs.outstanding(house.job.run_id) == 1


def test_nor_does_it_take_back_the_intent_that_the_other_has_written(house):
    house.probe.on_probe = lambda: taken_over(house)
    others = stages.intent_of(house.job, owner="worker-2")
    house.storage.on_intent_written = lambda: house.storage.put(
        "podcasts", keys.intent_key(house.job.output, house.job.job_id), others.model_dump_json(indent=1).encode()
    )

    house.work()

    assert house.intent() == others
    assert house.transcriber.submits == []


def test_a_late_post_of_its_own_is_cancelled_when_another_has_submitted_meanwhile(house):
    theirs = stages.intent_of(house.job, owner="worker-2", url_hash="1" * 64)
    house.transcriber.on_submit = lambda: house.storage.put(
        "podcasts", keys.intent_key(house.job.output, house.job.job_id), theirs.model_dump_json(indent=1).encode()
    )

    outcome = house.work()

    assert outcome.failure.reason == "intent_contended"
    assert ("cancel", "request-1") in house.transcriber.calls
    assert house.intent() == theirs


def test_a_job_that_another_slot_holds_is_left_to_it(house):
    house.runs.add(house.job.run_id, [house.job])
    house.leases.acquire(house.job)
    tools = house.tools

    outcome = stages.perform(stages.work(house.job, tools.rules), house.job, tools)

    assert isinstance(outcome, NotOurs)
    assert house.transcriber.submits == []


def test_the_message_of_a_run_that_waits_no_more_is_turned_away(house):
    tools = house.tools

    outcome = stages.perform(stages.work(house.job, tools.rules), house.job, tools)

    assert isinstance(outcome, NotOurs)
    assert house.transcriber.submits == []
    assert house.leases.holder(house.job.job_id) is None


def test_an_order_to_stop_that_comes_at_the_last_moment_stops_the_post(house):
    house.probe.on_probe = lambda: house.runs.stop(StopOrder("account_locked", "fal says: locked"))

    outcome = house.work()

    assert isinstance(outcome, Later)
    assert house.transcriber.submits == []
    assert isinstance(house.work(), Dropped)
    assert house.runs.outstanding(house.job.run_id) == 0


def test_a_source_replaced_while_fal_worked_is_stale_and_what_was_heard_is_kept(house):
    house.transcriber.on_fetch = lambda: house.storage.put("podcasts", house.job.object.key, b"another take")

    outcome = house.work()

    assert (outcome.row.state, outcome.row.reason, outcome.row.permanent) == (State.FAILED, "stale", False)
    assert b"Hello night." in house.read(keys.unplaced_key(house.job.output, house.job.job_id))
    assert house.intent().state is IntentState.SUBMITTED


def test_a_refusal_by_fal_slows_all_workers_down(house):
    house.script(Script(submit=errors.ThrottledError("429", delay_s=4.0)))

    house.work()

    assert house.permits.use().limit < house.permits.use().ceiling


class TestBudget:
    """A run with a ceiling; the recording is a minute long."""

    @pytest.fixture
    def house(self):
        house = stages.House()
        house.job = house.job.model_copy(update={"budgeted": True})
        return house

    def ceiling(self, house, **audio):
        house.budget.open(house.job.run_id, Ceiling(**audio), spent=Amount(), reserved={})

    def test_what_a_job_has_used_is_reserved_before_and_spent_after(self, house):
        self.ceiling(house, audio_s=100)
        reserved = []
        house.transcriber.on_submit = lambda: reserved.append(house.budget.use(house.job.run_id).reserved.audio_s)

        house.work()

        use = house.budget.use(house.job.run_id)
        assert reserved == [60.0]
        assert (use.spent.audio_s, use.reserved.audio_s) == (60.0, 0.0)

    def test_what_does_not_fit_is_not_submitted_and_stays_planned(self, house):
        self.ceiling(house, audio_s=59)

        outcome = house.work()

        assert isinstance(outcome, Dropped)
        assert house.transcriber.submits == []
        assert house.budget.use(house.job.run_id).is_reached
        assert house.runs.outstanding(house.job.run_id) == 0
        assert house.held_permits == 0

    def test_a_budget_that_the_server_has_forgotten_is_waited_for(self, house):
        outcome = house.work()

        assert (type(outcome), outcome.failure.reason) == (Later, "budget_unknown")
        assert house.transcriber.submits == []

    def test_a_reservation_that_was_forgotten_before_the_post_submits_nothing(self, house):
        self.ceiling(house, audio_s=100)
        house.storage.on_intent_written = lambda: self.ceiling(house, audio_s=100)

        outcome = house.work()

        assert (type(outcome), outcome.failure.reason) == (Later, "budget_changed")
        assert house.transcriber.submits == []

    @pytest.mark.parametrize(
        ("error", "spent_s"),
        [(errors.RequestFailedError("500"), 0.0), (errors.AudioRejectedError("422", "file_too_large"), 60.0)],
        ids=["not billed", "perhaps billed"],
    )
    def test_a_failed_request_counts_unless_it_is_certain_that_fal_bills_nothing(self, house, error, spent_s):
        self.ceiling(house, audio_s=100)
        house.script(Script(fetch=error))

        house.work()

        use = house.budget.use(house.job.run_id)
        assert (use.spent.audio_s, use.reserved.audio_s) == (spent_s, 0.0)

    def test_a_refused_post_gives_its_reservation_back(self, house):
        self.ceiling(house, audio_s=100)
        house.script(Script(submit=errors.ThrottledError("429")))

        house.work()

        assert house.budget.use(house.job.run_id).reserved.audio_s == 0.0

    def test_a_lost_reply_keeps_its_reservation(self, house):
        self.ceiling(house, audio_s=100)
        house.script(Script(submit=errors.UncertainError("lost")))

        house.work()

        assert house.budget.use(house.job.run_id).reserved.audio_s == 60.0

    def test_a_worker_that_was_asleep_gives_back_its_own_reservation_and_not_that_of_its_heir(self, house):
        self.ceiling(house, audio_s=100)
        house.storage.on_intent_written = lambda: (
            taken_over(house),
            house.budget.reserve(house.job.run_id, house.job.job_id, Amount(audio_s=60)),
        )

        house.work()

        assert house.transcriber.submits == []
        assert house.budget.use(house.job.run_id).reserved.audio_s == 60.0

    def test_an_object_of_unknown_length_is_not_held_against_a_ceiling_and_stays_planned(self, house):
        self.ceiling(house, audio_s=100)
        house.probe.duration_s = None

        outcome = house.work()

        assert (outcome.row.state, outcome.row.reason) == (State.PENDING, "duration_unknown")
        assert house.transcriber.submits == []
