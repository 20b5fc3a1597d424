"""submit under a ceiling: nothing more is sent once it is reached, and what is in flight still comes back."""

from __future__ import annotations

from contextlib import suppress

import builders
import pytest
from dispatching import World, jobs, of

from pipeline.errors import BudgetReachedError
from pipeline.limits.base import Amount, Ceiling
from pipeline.limits.memory_budget import MemoryBudget
from pipeline.models import State
from pipeline.spending import RunBudget, SpendingRun
from pipeline.storage.memory import MemoryStorage
from pipeline.submit import LeftOut, Notice, SettledRow, Tick

COST = Amount(0.01, 60.0)
FEW_AT_ONCE = {
    "NIGHTSCRIBE_QUEUE_HIGH_WATER": "10",
    "NIGHTSCRIBE_QUEUE_LOW_WATER": "4",
    "NIGHTSCRIBE_QUEUE_BATCH_SIZE": "3",
}


class BoundedWorld(World):
    """Every job costs a cent; workers reserve it, and drop what does not fit."""

    def __init__(self, cost_usd, **variables):
        super().__init__(NIGHTSCRIBE_PROFILE="local", **variables)
        self.books = MemoryBudget()
        self.ceiling = Ceiling(cost_usd)
        self.budget = RunBudget(
            SpendingRun("run1", builders.OUTPUT, builders.NOW, self.ceiling),
            self.books,
            MemoryStorage(),
            self.settings,
            lambda: list(self.kept),
        )
        self.budget.open()
        self.requests = 0

    def work(self):
        self.idle()
        if self.queue.jobs:
            job = self.queue.jobs.pop(0)
            try:
                self.books.reserve("run1", job.job_id, COST)
            except BudgetReachedError:
                self.runs.drop(job)
                return
            self.requests += 1
            self.books.settle("run1", job.job_id, COST)
            self.settle(job, run_id="run1", request_id=f"r{self.requests}", cost_usd=0.01, duration_s=60.0)


def collected(world, planned):
    """The events before the run stops at its ceiling."""
    events = []

    def run():
        for event in world.dispatch(planned):
            events.append(event)  # noqa: PERF402  the events before the error are what matters

    with pytest.raises(BudgetReachedError) as caught:
        run()
    assert caught.value.exit_code == 3
    return events


@pytest.mark.parametrize("variables", [{}, FEW_AT_ONCE], ids=["all planned at once", "while planning"])
def test_a_run_stops_at_its_ceiling_with_everything_accounted_for(variables):
    world = BoundedWorld(0.05, **variables)
    planned = jobs(30, budgeted=True)

    events = collected(world, planned)

    assert len(of(events, SettledRow)) == len(world.kept) == 5
    assert len(world.unsettled) + len(of(events, LeftOut)) == 25
    assert world.runs.outstanding("run1") == 0
    assert world.queue.jobs == []
    last = of(events, Tick)[-1]
    assert (last.budget.spent.cost_usd, last.budget.is_reached) == (pytest.approx(0.05), True)


def test_once_the_ceiling_is_reached_the_rest_of_the_plan_is_not_sent():
    world = BoundedWorld(0.05, **FEW_AT_ONCE)

    events = collected(world, jobs(100, budgeted=True))

    assert len(of(events, LeftOut)) >= 80


def test_what_does_not_fit_is_not_sent_again_as_if_it_were_lost():
    world = BoundedWorld(0.02)

    events = collected(world, jobs(10, budgeted=True))

    assert of(events, Notice) == []
    assert world.queue.deepest == 10


def test_a_run_that_just_fits_ends_well():
    world = BoundedWorld(0.05)

    events = list(world.dispatch(jobs(5, budgeted=True)))

    assert len(of(events, SettledRow)) == 5


def test_a_refusal_that_left_nothing_undone_does_not_stop_the_run():
    """A second message for a job may be refused while the first one is paid for."""
    world = BoundedWorld(0.05)

    def work():
        world.work()
        if not world.queue.jobs:
            with suppress(BudgetReachedError):
                world.books.reserve("run1", "a repeat", COST)

    world.act = work

    events = list(world.dispatch(jobs(5, budgeted=True)))

    assert len(of(events, SettledRow)) == 5
    assert of(events, Tick)[-1].budget.is_reached


def test_a_budget_that_redis_has_forgotten_is_added_up_again_from_what_was_kept():
    world = BoundedWorld(0.05)
    steps = []

    def work():
        steps.append(1)
        if len(steps) == 3:
            world.wipe()
            world.books.close("run1")
        if world.books.use("run1"):
            world.work()

    world.act = work

    events = collected(world, jobs(20, budgeted=True))

    assert world.requests == len(world.kept) == 5
    assert "added up again from S3" in " ".join(notice.message for notice in of(events, Notice))


def test_a_higher_ceiling_goes_on_and_counts_what_was_spent_before():
    world = BoundedWorld(0.03)
    planned = jobs(10, budgeted=True)
    collected(world, planned)
    done = {row.key for row in world.kept}
    world.budget.run = SpendingRun("run1", builders.OUTPUT, builders.NOW, Ceiling(0.05))
    world.budget.open()

    collected(world, [job for job in planned if job.object.key not in done])

    assert world.requests == len(world.kept) == 5


def test_a_row_without_a_request_frees_nothing_that_was_found_in_s3():
    """Whoever wrote the row need not have seen the request, which runs and will be billed; the ceiling is a promise."""
    world = BoundedWorld(0.05)
    (job,) = jobs(1, budgeted=True)
    world.budget._adopted.add(job.job_id)
    world.books.open("run1", world.ceiling, spent=Amount(), reserved={job.job_id: COST})

    def work():
        world.idle()
        if world.queue.jobs:
            world.settle(world.queue.jobs.pop(0), state=State.FAILED, reason="not_audio")

    world.act = work

    list(world.dispatch([job]))

    assert world.books.use("run1").reserved == COST
