"""What the protocol rests on, taken away piece by piece: each time the exploration finds a shortest way to damage.

Without this the model could hold because it sees nothing.
"""

from __future__ import annotations

from model.explorer import Explorer
from model.world import Bounds, Laws

from pipeline.errors import TransientError
from pipeline.limits.base import Amount
from pipeline.models import IntentState
from pipeline.transcribe import acts, collection, intents, protocol, submission

ALL_MOMENTS, A_LONG_SLEEP = (0, 1, 2, 3), (0, 3)


def found(bounds, **laws):
    finding = Explorer(bounds, Laws(**laws)).run().finding
    assert finding is not None, "the damage went unseen"
    return finding


def story_of(finding):
    return "\n".join(finding.story)


# Laws of the world.


def test_without_conditional_writes_two_workers_submit_the_same_job():
    finding = found(Bounds(kinds=frozenset({"sleep"})), conditions_hold=False)

    assert finding.what == "fal accepts a request that can be billed, and S3 does not tell of it"
    assert story_of(finding).count("WriteIntent(intended") == 2


def test_without_conditional_writes_a_strangers_file_is_overwritten():
    finding = found(Bounds(kinds=frozenset({"stranger"})), conditions_hold=False)

    assert finding.what == "a file that had not been seen was overwritten"
    assert len(finding.story) < 20


def test_with_urls_that_never_expire_a_sleeper_posts_after_its_successor():
    finding = found(Bounds(kinds=frozenset({"sleep"}), moments=A_LONG_SLEEP), urls_expire=False)

    assert "S3 does not" in finding.what
    assert "time passes" in finding.story


def test_a_history_that_conceals_a_request_for_ever_makes_it_paid_twice():
    finding = found(Bounds(kinds=frozenset({"crash"}), moments=A_LONG_SLEEP), history_is_complete=False)

    assert "which may be billed (running), and S3 does not lead to it" in finding.what


def test_a_withdrawn_intent_that_is_deleted_takes_its_successors_with_it():
    finding = found(
        Bounds(kinds=frozenset({"sleep"}), moments=A_LONG_SLEEP), intents_are_kept=False, leases_are_checked=True
    )

    assert "S3 does not" in finding.what
    assert "withdrawn" in story_of(finding)


def test_without_recovery_the_job_of_a_dead_worker_is_lost():
    finding = found(Bounds(kinds=frozenset({"crash"})), jobs_are_recovered=False)

    assert finding.what == "no way leads to a settled run any more"
    assert "dies" in finding.story[-1]


def test_without_a_fence_around_rows_a_sleeper_settles_what_another_carries_on():
    finding = found(Bounds(kinds=frozenset({"sleep"}), moments=ALL_MOMENTS), rows_are_fenced=False)

    assert finding.what == "a worker that has lost the job says uncertain"


def test_a_permit_too_many_is_seen():
    finding = found(Bounds(jobs=2, permits=1), permits_are_counted=False)

    assert finding.what == "2 requests are in flight, and 1 are allowed"


def test_a_reservation_that_nobody_looks_at_again_lets_the_ceiling_be_crossed():
    finding = found(
        Bounds(jobs=2, ceiling=1, kinds=frozenset({"wipe"}), with_running=False),
        reservations_are_checked=False,
        leases_are_checked=False,
    )

    assert finding.what == "2 requests are paid, and the ceiling is 1"


def test_without_a_last_look_at_the_clock_a_sleeper_submits_after_the_deadline():
    finding = found(Bounds(moments=(0, 1), runs=2, deadline=1), deadlines_are_checked=False)

    assert finding.what == "a request is submitted after the deadline"
    assert "time passes" in finding.story


def test_the_lease_saves_time_and_not_money():
    """I3: safety rests on S3. Nothing is broken when the last look says yes to whoever asks."""
    bounds = Bounds(faults=2, kinds=frozenset({"sleep", "lost"}), moments=A_LONG_SLEEP, with_running=False)

    assert Explorer(bounds, Laws(leases_are_checked=False)).run().finding is None


# The protocol.


def test_a_job_that_comes_too_late_and_is_put_off_instead_of_dropped_is_seen(monkeypatch):
    """Its dispatcher would wait for it for ever."""
    late = lambda job: TransientError(f"{job.object.uri} is too late", "after_deadline")  # noqa: E731
    monkeypatch.setattr(submission, "_too_late", late)
    finding = found(Bounds(moments=(0, 1), deadline=1))

    assert finding.what == "no way leads to a settled run any more"


def test_a_deadline_is_kept_by_the_last_look_alone(monkeypatch):
    """What is asked before it saves requests to S3, and permits."""
    for module in (protocol, submission):
        monkeypatch.setattr(module, "check_deadline", lambda _job, _moment: None)
    bounds = Bounds(kinds=frozenset({"crash", "sleep"}), moments=(0, 1), runs=2, deadline=1)

    assert Explorer(bounds).run().finding is None


def test_a_lost_reply_that_is_answered_with_another_post_is_paid_twice(monkeypatch):
    real = intents.next_step

    def impatient(intent, *others):
        if intent is not None and intent.state is IntentState.INTENDED:
            return intents.Submit(intent.attempt)
        return real(intent, *others)

    monkeypatch.setattr(intents, "next_step", impatient)
    finding = found(Bounds(kinds=frozenset({"lost"})))

    assert "S3 does not lead to it" in finding.what
    assert "ReplyLost" in story_of(finding)


def test_an_intent_that_is_free_at_once_is_paid_twice(monkeypatch):
    monkeypatch.setattr(intents, "free_at", lambda intent, _settings: intent.intended_at)

    assert "S3 does not" in found(Bounds(kinds=frozenset({"crash"}))).what


def test_an_intent_that_is_free_before_the_lag_has_passed_is_paid_twice(monkeypatch):
    monkeypatch.setattr(intents, "free_at", lambda intent, _settings: intent.url_expires_at)
    finding = found(Bounds(kinds=frozenset({"crash"}), moments=ALL_MOMENTS))

    assert "which may be billed (running), and S3 does not lead to it" in finding.what
    assert finding.story.count("time passes") == 2


def test_a_public_address_that_is_taken_to_expire_is_paid_twice(monkeypatch):
    real = intents.free_at
    signed = {"delivery": "presigned"}
    monkeypatch.setattr(intents, "free_at", lambda intent, s: real(intent.model_copy(update=signed), s))
    finding = found(Bounds(kinds=frozenset({"sleep"}), moments=A_LONG_SLEEP, delivery="public"))

    assert "S3 does not" in finding.what
    assert "time passes" in finding.story


def test_what_fal_was_told_not_to_store_is_paid_twice_when_not_being_found_frees_it(monkeypatch):
    real = intents.free_at
    monkeypatch.setattr(intents, "free_at", lambda i, s: real(i.model_copy(update={"store_io": True}), s))
    finding = found(Bounds(kinds=frozenset({"crash"}), moments=A_LONG_SLEEP, stores_io=False))

    assert "which may be billed (running), and S3 does not lead to it" in finding.what


def test_payloads_that_are_deleted_before_the_sidecar_is_safe_are_seen(monkeypatch):
    def tidy(job, kept, *others):
        yield from acts.DeletePayloads(kept.intent.request.request_id)
        return (yield from collect(job, kept, *others))

    collect = collection.collect
    monkeypatch.setattr(protocol, "collect", tidy)

    assert found(Bounds()).what == "payloads are deleted before the sidecar is safe"


def test_a_worker_that_does_not_know_its_request_again_cancels_what_another_waits_for(monkeypatch):
    monkeypatch.setattr(submission, "_request_id", lambda _intent: None)

    assert found(Bounds(kinds=frozenset({"sleep"}))).what == "a request that is waited for is cancelled"


def test_without_a_second_look_at_the_sidecar_a_finished_job_is_submitted_again(monkeypatch):
    def careless(_job, lease, ticket):
        yield from acts.MaySubmit(lease, ticket)

    monkeypatch.setattr(submission, "_last_look", careless)
    finding = found(Bounds(kinds=frozenset({"sleep"})))

    assert finding.what == "job 0 is billed twice"
    assert any("deletes the intent" in line for line in finding.story)


def test_a_worker_that_settles_the_cost_of_nothing_takes_its_successors_reservation(monkeypatch):
    def greedy(begun, why):
        yield from undo(begun, why)
        yield from acts.SettleCost(Amount())

    undo = submission._undo
    monkeypatch.setattr(submission, "_undo", greedy)
    finding = found(Bounds(jobs=2, ceiling=1, kinds=frozenset({"sleep"}), with_running=False))

    assert finding.what == "2 requests are paid, and the ceiling is 1"


def test_a_permit_given_back_before_its_request_is_over_is_seen(monkeypatch):
    def hasty(job, kept, *others):
        yield from acts.GiveBackPermit(kept.intent.request.request_id)
        return (yield from collect(job, kept, *others))

    collect = collection.collect
    monkeypatch.setattr(protocol, "collect", hasty)

    assert found(Bounds(jobs=2, permits=1)).what == "the permit of a request in flight is given back"


def test_a_job_that_is_put_off_for_ever_is_seen(monkeypatch):
    monkeypatch.setattr(
        protocol,
        "row_of_failure",
        lambda job, failure, *_, **__: protocol.Later(1.0, failure),
    )

    assert found(Bounds(kinds=frozenset({"rejected"}))).what == "no way leads to a settled run any more"
