"""Second opinions in the dispatcher: each suspect transcript of a run gets one, over crashes, wipes and ceilings."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import builders
import pytest
from dispatching import World, jobs, of
from planning import request

from pipeline import keys
from pipeline.cancellation import Cancelled
from pipeline.errors import BudgetReachedError
from pipeline.limits.base import Amount, Ceiling
from pipeline.limits.memory_budget import MemoryBudget
from pipeline.manifest import Draft
from pipeline.models import State
from pipeline.plan import planned_row, second_job, settled_over
from pipeline.spending import RunBudget, SpendingRun
from pipeline.storage.memory import MemoryStorage
from pipeline.submit import Enqueued, SecondAsked, SettledRow

FIRST, SECOND = builders.recipe(), builders.recipe("fal-ai/wizper")
ASKED = replace(request(), second=SECOND)
SUSPECT = {"002.mp3", "005.mp3", "007.mp3"}
IN_VAIN = {"005.mp3"}


class SuspiciousWorld(World):
    """Some first transcripts are suspect, one second one is too; the draft is kept as whoever reads the events does."""

    def __init__(self, draft, **variables):
        super().__init__(**variables)
        self.draft = draft
        self.paid = []
        self.seconds = lambda: filter(None, (second_job(row, ASKED, builders.NOW) for row in draft.suspect()))

    def work(self):
        self.idle()
        if self.queue.jobs:
            job = self.queue.jobs.pop(0)
            self.paid.append((job.object.key, job.recipe.endpoint_id))
            self.runs.settle(job, self.row_of(job))

    def row_of(self, job):
        key, recipe = job.object.key, job.recipe
        facts = {"job_id": job.job_id, "recipe": recipe.hash, "endpoint_id": recipe.endpoint_id, "run_id": "run1"}
        if job.second_of is None:
            return builders.row(key, suspect=("loop",) if key in SUSPECT else (), **facts)
        if key in IN_VAIN:
            return builders.row(
                key, State.FAILED, reason="suspect_again", message="Kept.", stands_for=FIRST.hash, **facts
            )
        return builders.row(key, stands_for=job.second_of, **facts)

    def told(self, planned):
        """The events; a second dispatcher that has read the segments would fold them in the same way."""
        for event in self.dispatch(planned):
            match event:
                case Enqueued(job):
                    self.draft.put(planned_row(job))
                case SettledRow(row):
                    self.draft.put(settled_over(self.draft.get(row.key), row))
            yield event

    def rows(self):
        return {row.key: row.row() for row in self.draft.rows()}


@pytest.fixture
def draft():
    with Draft() as made:
        yield made


def asked_twice(world):
    return sorted(key for key, endpoint_id in world.paid if endpoint_id == SECOND.endpoint_id)


def assert_all_is_well(world):
    rows = world.rows()
    assert {row.state for row in rows.values()} == {State.DONE}
    assert {key for key, row in rows.items() if row.stands_for == FIRST.hash} == SUSPECT - IN_VAIN
    for key in IN_VAIN:
        row = rows[key]
        assert (row.recipe, row.second_tried, row.suspect) == (FIRST.hash, SECOND.hash, ("loop",))
        assert row.message.endswith("A second opinion by fal-ai/wizper came to nothing (suspect_again): Kept.")


def test_each_suspect_transcript_gets_one_after_all_first_ones_are_there(draft):
    world = SuspiciousWorld(draft)

    events = list(world.told(jobs(9)))

    assert_all_is_well(world)
    assert asked_twice(world) == sorted(SUSPECT)
    assert [endpoint_id for _, endpoint_id in world.paid] == [FIRST.endpoint_id] * 9 + [SECOND.endpoint_id] * 3
    assert sorted(event.job.object.key for event in of(events, SecondAsked)) == sorted(SUSPECT)
    assert len(world.kept) == 12


def test_without_a_second_recipe_suspects_are_only_reported(draft):
    world = SuspiciousWorld(draft)
    world.seconds = tuple

    list(world.told(jobs(9)))

    assert len(world.paid) == 9
    assert {key for key, row in world.rows().items() if row.suspect} == SUSPECT


@pytest.mark.parametrize("dies_after", range(1, 26))
def test_a_dispatcher_that_died_is_followed_by_one_that_asks_for_what_was_not_asked_for(draft, dies_after):
    """The next one begins with what was kept and with what lies in Redis; nothing is asked for twice."""
    world = SuspiciousWorld(draft, NIGHTSCRIBE_RUN_SEGMENT_ROWS="2")
    slept = []

    def work():
        slept.append(1)
        if len(slept) == dies_after:
            raise Cancelled
        world.work()

    world.act = work
    with suppress(Cancelled):
        list(world.told(jobs(9)))
    world.act = world.work
    with Draft() as settled, Draft() as anew:
        for row in [*world.kept, *world.runs.rows("run1", 0, 100)]:
            settled.put(settled_over(settled.get(row.key), row))
        world.draft = anew
        world.seconds = lambda: filter(None, (second_job(row, ASKED, builders.NOW) for row in anew.suspect()))
        for row in settled.rows():
            anew.put(row)
        done = {row.key for row in settled.rows()}
        world.now += world.settings.run.dispatcher_lease_s + 1
        world.ticket = world.open()
        list(world.told([job for job in jobs(9) if job.object.key not in done]))

        assert_all_is_well(world)
    assert sorted(world.paid) == sorted(set(world.paid))
    assert asked_twice(world) == sorted(SUSPECT)


@pytest.mark.parametrize("wiped_at", range(1, 14))
def test_whenever_redis_is_wiped_every_second_opinion_comes_back(draft, wiped_at):
    world = SuspiciousWorld(draft, NIGHTSCRIBE_RUN_SEGMENT_ROWS="2")
    slept = []

    def work():
        slept.append(1)
        if len(slept) == wiped_at:
            world.wipe()
        world.work()

    world.act = work

    list(world.told(jobs(9)))

    assert_all_is_well(world)


@pytest.mark.parametrize("fitting", [9, 10])
def test_a_ceiling_is_spent_on_first_transcripts_first_and_stops_second_ones_like_any_job(draft, fitting):
    world = SuspiciousWorld(draft, NIGHTSCRIBE_PROFILE="local")
    books, cost = MemoryBudget(), Amount(0.01, 60.0)
    spender = SpendingRun("run1", builders.OUTPUT, builders.NOW, Ceiling(fitting * 0.01 + 0.005))
    world.budget = RunBudget(spender, books, MemoryStorage(), world.settings, lambda: list(world.kept))
    world.budget.open()
    plain = world.row_of

    def work():
        world.idle()
        if world.queue.jobs:
            job = world.queue.jobs.pop(0)
            try:
                books.reserve("run1", job.job_id, cost)
            except BudgetReachedError:
                world.runs.drop(job)
                return
            books.settle("run1", job.job_id, cost)
            world.paid.append((job.object.key, job.recipe.endpoint_id))
            world.runs.settle(job, plain(job))

    world.act = work

    with pytest.raises(BudgetReachedError):
        list(world.told(jobs(9, budgeted=True)))

    assert len(world.paid) == fitting
    assert [endpoint_id for _, endpoint_id in world.paid[:9]] == [FIRST.endpoint_id] * 9
    assert len(list(world.seconds())) == 3 - (fitting - 9)
    assert {row.state for row in world.rows().values()} == {State.DONE}


def test_a_second_opinion_goes_under_its_own_id_in_the_same_run_and_manner(draft):
    world = SuspiciousWorld(draft)
    asked = replace(ASKED, budgeted=True)
    (job,) = jobs(1, budgeted=True)
    draft.put(builders.row(job.object.key, job_id=job.job_id, recipe=FIRST.hash, run_id="run1", suspect=("gap",)))

    (second,) = [second_job(row, asked, builders.NOW) for row in draft.suspect()]

    assert second.job_id == keys.job_id(job.object, SECOND)
    assert (second.recipe, second.second_of, second.run_id, second.budgeted) == (SECOND, FIRST.hash, "run1", True)
    assert second.object == job.object
    assert list(world.seconds())


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": "run0"},
        {"suspect": ()},
        {"stands_for": FIRST.hash, "recipe": SECOND.hash},
        {"second_tried": SECOND.hash},
        {"recipe": "another"},
        {"state": State.FAILED},
    ],
    ids=str,
)
def test_what_awaits_no_second_opinion(draft, changes):
    fields = {"run_id": "run1", "recipe": FIRST.hash, "suspect": ("loop",)} | changes
    row = builders.remembered(builders.row("a.mp3", **fields))

    assert second_job(row, ASKED, builders.NOW) is None
    assert second_job(row, request(), builders.NOW) is None
