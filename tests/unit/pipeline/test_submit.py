"""submit: marks, lost jobs, missing workers, stop orders; over memory implementations and a clock that is moved."""

from __future__ import annotations

import builders
import pytest
from dispatching import World, jobs, of

from pipeline.cancellation import Cancelled
from pipeline.errors import AccountError, ConfigurationError, RunActiveError, ServiceUnavailableError
from pipeline.models import Skip, SkipReason, State, Untouched
from pipeline.runs.base import StopOrder
from pipeline.submit import Enqueued, Notice, Passed, SettledRow, Skipped, Tick


def test_every_job_is_sent_once_and_every_row_comes_back():
    world = World()
    planned = jobs(5)
    skip = Skip(reason=SkipReason.CURRENT, row=builders.row("done.mp3"))

    events = list(world.dispatch([*planned, skip]))

    assert [event.job for event in of(events, Enqueued)] == planned
    assert [event.skip for event in of(events, Skipped)] == [skip]
    assert sorted(event.row.key for event in of(events, SettledRow)) == [job.object.key for job in planned]
    assert world.runs.outstanding("run1") == 0


def test_a_decision_on_many_is_passed_on_and_is_no_reason_to_be_silent():
    """When S3 is slow, a block takes a long while: this process shows at every one that it is alive."""
    world = World()

    def slowly():
        for _ in range(3):
            world.now += 60.0
            yield Untouched(500)

    events = list(world.dispatch(slowly()))

    assert [event.untouched for event in of(events, Passed)] == [Untouched(500)] * 3
    assert [event.planned for event in of(events, Tick)][:3] == [False] * 3


def test_rows_leave_the_live_state_only_after_they_were_kept():
    world = World(NIGHTSCRIBE_RUN_SEGMENT_ROWS="2")

    list(world.dispatch(jobs(5)))

    assert sorted(row.key for row in world.kept) == [f"{number:03}.mp3" for number in range(5)]
    assert world.runs.rows("run1", 0, 10) == []


def test_rows_that_could_not_be_kept_stay_in_the_live_state():
    world = World(NIGHTSCRIBE_RUN_SEGMENT_ROWS="1")
    world.keep = s3_is_away

    with pytest.raises(ServiceUnavailableError):
        list(world.dispatch(jobs(2)))

    assert len(world.runs.rows("run1", 0, 10)) == 1


def s3_is_away(_rows):
    raise ServiceUnavailableError("S3 is away")


def test_the_queue_stays_between_its_marks():
    world = World(NIGHTSCRIBE_QUEUE_HIGH_WATER="10", NIGHTSCRIBE_QUEUE_LOW_WATER="4", NIGHTSCRIBE_QUEUE_BATCH_SIZE="3")

    list(world.dispatch(jobs(100)))

    assert 4 < world.queue.deepest <= 10


def test_a_million_jobs_are_never_held_at_once():
    """Memory stays constant (I6): the plan is drawn from only as fast as jobs are settled."""
    world = World(NIGHTSCRIBE_QUEUE_HIGH_WATER="10", NIGHTSCRIBE_QUEUE_LOW_WATER="4", NIGHTSCRIBE_QUEUE_BATCH_SIZE="3")
    drawn, settled = 0, 0

    def plan():
        nonlocal drawn
        for job in jobs(200):
            drawn += 1
            yield job

    for event in world.dispatch(plan()):
        settled += isinstance(event, SettledRow)
        assert drawn - settled <= 10 + 3


def test_what_is_outstanding_from_before_is_not_sent_again():
    world = World()
    planned = jobs(4)
    world.runs.add("run1", planned[:2])
    world.queue.put(planned[:2])

    list(world.dispatch(planned))

    assert world.queue.deepest == 4


def test_a_job_whose_worker_died_is_sent_again():
    world = World()
    planned = jobs(1)
    died = []

    def work():
        world.idle()
        if world.queue.jobs and not died:
            died.append(world.queue.jobs.pop(0))
            world.leases.acquire(died[0])  # and is never heard of again
        elif world.queue.jobs:
            world.work()

    world.act = work

    events = list(world.dispatch(planned))

    assert "sent again" in of(events, Notice)[0].message
    assert len(of(events, SettledRow)) == 1


def test_a_missing_worker_is_said_and_then_ends_the_run_with_everything_queued():
    world = World()
    world.act = lambda: None
    world.now += 60  # the worker's last sign of life has expired
    events = []

    def run():
        for event in world.dispatch(jobs(2)):
            events.append(event)  # noqa: PERF402  the events before the error are what matters

    with pytest.raises(ConfigurationError) as caught:
        run()

    assert "make worker" in of(events, Notice)[0].message
    assert "make worker" in caught.value.message
    assert len(world.queue.jobs) == world.runs.outstanding("run1") == 2


def test_a_worker_that_takes_no_jobs_any_more_is_named_once():
    world = World()
    sleeps = []

    def stuck_for_a_while():
        sleeps.append(1)
        world.idle(is_stuck=len(sleeps) < 5)
        if len(sleeps) > 8:
            world.work()

    world.act = stuck_for_a_while

    events = list(world.dispatch(jobs(1)))

    assert [notice.message for notice in of(events, Notice)] == [
        "Worker w1 is alive but takes no jobs from the queue any more. Restart it."
    ]


def test_a_stop_order_ends_the_run_with_its_reason():
    world = World()
    world.act = lambda: world.runs.stop(StopOrder("account_locked", "fal says: locked."))

    with pytest.raises(AccountError, match="locked"):
        list(world.dispatch(jobs(2)))


def test_a_stop_order_is_obeyed_even_when_its_jobs_are_all_given_up():
    """The worker drops the jobs it may not submit; an empty list of outstanding jobs is not a finished run then."""
    world = World()
    planned = jobs(2)

    def give_up():
        world.runs.stop(StopOrder("unknown_model", "fal knows no model x.", by_account=False))
        for job in planned:
            world.runs.drop(job)

    world.act = give_up

    with pytest.raises(ConfigurationError, match="knows no model"):
        list(world.dispatch(planned))


def test_a_run_that_was_taken_over_stops_and_leaves_the_rows_to_its_successor():
    world = World()
    planned = jobs(2)

    def take_over():
        world.now += 1000
        world.open()
        for job in planned:
            world.runs.settle(job, builders.row(job.object.key))

    world.act = take_over

    with pytest.raises(RunActiveError):
        list(world.dispatch(planned))

    assert len(world.runs.rows("run1", 0, 10)) == 2


def test_cancellation_keeps_what_was_settled_and_leaves_the_rest_outstanding():
    world = World()
    done = []

    def work_then_cancel():
        world.work()
        done.append(1)
        if len(done) == 3:
            world.cancel.cancel()

    world.act = work_then_cancel

    with pytest.raises(Cancelled):
        list(world.dispatch(jobs(10)))

    assert len(world.kept) + len(world.runs.rows("run1", 0, 100)) == 3
    assert world.runs.outstanding("run1") == 7


def test_a_settled_failure_comes_back_like_any_row():
    world = World()

    def fail():
        world.idle()
        if world.queue.jobs:
            job = world.queue.jobs.pop(0)
            world.runs.settle(job, builders.row(job.object.key, state=State.FAILED, reason="not_audio"))

    world.act = fail

    (event,) = of(list(world.dispatch(jobs(1))), SettledRow)

    assert event.row.reason == "not_audio"
