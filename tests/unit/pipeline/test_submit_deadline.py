"""submit under a deadline: nothing more is sent from then on, what was sent comes back, and what is left is said."""

from __future__ import annotations

import builders
import pytest
from dispatching import World, jobs, of

from pipeline.errors import DeadlineReachedError
from pipeline.models import Skip, SkipReason, State
from pipeline.submit import Enqueued, LeftOut, Notice, SettledRow

FEW_AT_ONCE = {
    "NIGHTSCRIBE_QUEUE_HIGH_WATER": "10",
    "NIGHTSCRIBE_QUEUE_LOW_WATER": "4",
    "NIGHTSCRIBE_QUEUE_BATCH_SIZE": "3",
}


def test_what_was_sent_in_time_comes_back_and_the_rest_is_left_out():
    world = World(**FEW_AT_ONCE)
    world.submit_before = 5 * world.settings.run.tick_s

    events = []
    with pytest.raises(DeadlineReachedError):
        events.extend(world.dispatch(iter(jobs(30))))  # which keeps what came before the error

    sent = {event.job.object.key for event in of(events, Enqueued)}
    assert {event.row.key for event in of(events, SettledRow)} == sent
    assert 0 < len(sent) < 30
    assert len(of(events, LeftOut)) == 30 - len(sent)
    assert world.unsettled == {}


def test_a_run_that_is_done_when_its_time_is_over_ends_as_always():
    world = World()
    world.submit_before = world.settings.run.tick_s  # before the first job is back

    events = list(world.dispatch(jobs(3)))

    assert len(of(events, SettledRow)) == 3


def test_what_the_plan_has_left_for_the_time_is_left():
    """Not one job was sent: the night says so all the same."""
    world = World()
    row = builders.row(state=State.PENDING, reason="after_deadline")
    world.submit_before = 0.0

    with pytest.raises(DeadlineReachedError):
        list(world.dispatch([Skip(SkipReason.AFTER_DEADLINE, row)]))


def test_a_job_that_a_worker_drops_for_an_earlier_deadline_is_sent_again():
    """The job of a killed night is outstanding, so that the next dispatcher does not send it; its worker drops it."""
    world = World()
    (job,) = jobs(1)
    world.runs.add("run1", [job])
    world.queue.put([job])
    world.runs.close(world.ticket, finished=False)
    world.ticket = world.open()
    has_dropped = []

    def drop_once():
        if has_dropped:
            world.work()
        else:
            world.idle()
            has_dropped.append(world.queue.jobs.pop(0))
            world.runs.drop(has_dropped[0])

    world.act = drop_once
    events = list(world.dispatch([job]))

    assert has_dropped
    assert len(of(events, SettledRow)) == 1
    assert "earlier deadline" in " ".join(notice.message for notice in of(events, Notice))


def test_what_a_worker_drops_after_the_deadline_is_not_sent_again():
    world = World()
    world.submit_before = world.settings.run.tick_s / 2

    def drop():
        world.idle()
        while world.queue.jobs:
            world.runs.drop(world.queue.jobs.pop(0))

    world.act = drop
    with pytest.raises(DeadlineReachedError):
        list(world.dispatch(jobs(4)))

    assert world.queue.jobs == []
    assert len(world.unsettled) == 4


@pytest.mark.parametrize("what", ["forgotten", "seconds"])
def test_what_is_left_when_the_time_is_over_a_moment_after_the_clock_was_looked_at_is_said(what):
    """Nothing could be sent any more, which is not the same as nothing being left."""
    world = World()

    def looked_through_at_the_last_moment():
        world.submit_before = world.now
        return jobs(1)

    setattr(world, what, looked_through_at_the_last_moment)

    with pytest.raises(DeadlineReachedError):
        list(world.dispatch([]))
