"""submit, when Redis forgets everything or is away: the run goes on by itself, and nothing is lost."""

from __future__ import annotations

import builders
import pytest
from dispatching import World, jobs, of

from pipeline.cancellation import Cancelled
from pipeline.errors import ServiceUnavailableError
from pipeline.runs.base import WorkerSummary
from pipeline.submit import Notice, SettledRow

FEW_AT_ONCE = {
    "NIGHTSCRIBE_QUEUE_HIGH_WATER": "10",
    "NIGHTSCRIBE_QUEUE_LOW_WATER": "4",
    "NIGHTSCRIBE_QUEUE_BATCH_SIZE": "3",
}


def keys_of(rows):
    return sorted({row.key for row in rows})


@pytest.mark.parametrize("wiped_at", range(1, 12))
@pytest.mark.parametrize("variables", [{}, FEW_AT_ONCE], ids=["all planned at once", "while planning"])
def test_whenever_redis_is_wiped_every_job_comes_back(wiped_at, variables):
    world = World(NIGHTSCRIBE_RUN_SEGMENT_ROWS="2", **variables)
    planned = jobs(30)
    sleeps = []

    def work():
        sleeps.append(1)
        if len(sleeps) == wiped_at:
            world.wipe()
        world.work()
        world.work()

    world.act = work

    events = list(world.dispatch(planned))

    assert keys_of(event.row for event in of(events, SettledRow)) == [job.object.key for job in planned]
    assert keys_of(world.kept) == [job.object.key for job in planned]
    assert "Redis had forgotten" in " ".join(notice.message for notice in of(events, Notice))


def test_a_server_that_is_wiped_again_and_again_is_outlasted():
    world = World(NIGHTSCRIBE_RUN_SEGMENT_ROWS="1")
    planned = jobs(6)
    sleeps = []

    def work():
        sleeps.append(1)
        world.work()
        if len(sleeps) % 3 == 0 and len(sleeps) < 40:
            world.wipe()

    world.act = work

    list(world.dispatch(planned))

    assert keys_of(world.kept) == [job.object.key for job in planned]


def test_what_was_forgotten_is_sent_again_before_the_plan_is_worked_through():
    """A plan may take hours, and fal forgets results within minutes."""
    world = World(**FEW_AT_ONCE)
    planned = jobs(60)
    settled_when_sent_again = []
    settled = 0
    sleeps = []

    def work():
        sleeps.append(1)
        if len(sleeps) == 3:
            world.wipe()
        world.work()

    world.act = work
    for event in world.dispatch(planned):
        settled += isinstance(event, SettledRow)
        if isinstance(event, Notice):
            settled_when_sent_again.append(settled)

    assert settled_when_sent_again
    assert settled_when_sent_again[0] < 30


def test_sending_again_keeps_the_queue_below_its_mark():
    world = World(**FEW_AT_ONCE)
    sleeps = []

    def work():
        sleeps.append(1)
        if len(sleeps) in {3, 7, 30}:
            world.wipe()
        world.work()

    world.act = work

    list(world.dispatch(jobs(60)))

    assert world.queue.deepest <= 10
    assert len(keys_of(world.kept)) == 60


def test_rows_that_were_never_read_are_not_removed_with_those_that_redis_has_forgotten():
    """Two rows were read; then the server is wiped, and two others stand in their place."""
    world = World(NIGHTSCRIBE_RUN_SEGMENT_ROWS="1000", NIGHTSCRIBE_RUN_SEGMENT_EVERY_S="3")
    planned = jobs(5)
    sleeps = []

    def work():
        sleeps.append(1)
        world.idle()
        if len(sleeps) == 1:
            settle_all(planned[:2])
        elif len(sleeps) == 3:
            world.wipe()
            world.runs.add("run1", planned[2:])
            settle_all(planned[2:4])
        elif len(sleeps) == 12:
            settle_all(planned[4:])
        elif len(sleeps) > 12:
            world.work()

    def settle_all(some):
        for job in some:
            world.settle(job)

    world.act = work

    events = list(world.dispatch(planned))

    assert keys_of(world.kept) == [job.object.key for job in planned]
    assert not [notice for notice in of(events, Notice) if "forgotten" in notice.message]


def test_while_redis_forgets_nothing_the_draft_is_looked_through_once():
    world = World(**FEW_AT_ONCE)

    list(world.dispatch(jobs(60)))

    assert world.looked_through == 1


def test_jobs_that_are_only_slow_are_not_sent_again():
    world = World()
    sleeps = []

    def work():
        sleeps.append(1)
        world.idle()
        if len(sleeps) > 30:
            world.work()

    world.act = work

    events = list(world.dispatch(jobs(5)))

    assert of(events, Notice) == []
    assert world.queue.deepest == 5


class Away:
    """Makes every call to the live state fail between two moments."""

    def __init__(self, world, since, until):
        self._world, self._runs, self._since, self._until = world, world.runs, since, until
        world.runs = self

    def __getattr__(self, name):
        def call(*words, **options):
            if self._since <= self._world.now < self._until:
                raise ServiceUnavailableError("The Redis server at somewhere does not answer.")
            return getattr(self._runs, name)(*words, **options)

        return call


def test_redis_may_be_away_for_a_while():
    world = World()
    planned = jobs(5)
    runs = world.runs

    def work():
        if 2 <= world.now < 60:
            return
        runs.show_worker(WorkerSummary("w1", 8, 0))
        if world.queue.jobs:
            job = world.queue.jobs.pop(0)
            runs.settle(job, builders.row(job.object.key))

    world.act = work
    Away(world, 2, 60)

    events = list(world.dispatch(planned))

    assert keys_of(world.kept) == [job.object.key for job in planned]
    (said,) = of(events, Notice)
    assert "does not answer. Waiting for it, 120 s at most" in said.message


def test_redis_that_stays_away_ends_the_run_which_can_be_resumed():
    world = World()
    world.act = lambda: None
    Away(world, 2, float("inf"))

    with pytest.raises(ServiceUnavailableError, match="run the same command again") as caught:
        list(world.dispatch(jobs(5)))

    assert caught.value.exit_code == 2
    assert 120 <= world.now < 130


def test_waiting_for_redis_ends_with_ctrl_c():
    world = World()
    world.act = lambda: world.now > 10 and world.cancel.cancel()
    Away(world, 2, float("inf"))

    with pytest.raises(Cancelled):
        list(world.dispatch(jobs(5)))


def test_s3_being_away_is_not_waited_for():
    """Its client repeats by itself; rows that it did not take stay in Redis."""
    world = World(NIGHTSCRIBE_RUN_SEGMENT_ROWS="1")

    def away(_rows):
        raise ServiceUnavailableError("S3 is away")

    world.keep = away

    with pytest.raises(ServiceUnavailableError, match=r"^S3 is away$"):
        list(world.dispatch(jobs(1)))
