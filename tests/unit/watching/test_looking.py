"""One look after the other: how a run is seen to stand, and what is shown while Redis is away."""

from __future__ import annotations

from datetime import timedelta

import builders
import pytest
from jsonschema import Draft202012Validator

from pipeline.cli.watching.lines import lines_of
from pipeline.cli.watching.looking import Lookout
from pipeline.cli.watching.tick import Standing, Tick
from pipeline.errors import ServiceUnavailableError
from pipeline.limits.memory import MemoryPermits
from pipeline.models import Phase, Place
from pipeline.queue.memory import MemoryQueue
from pipeline.runs.base import StopOrder, WorkerSummary
from pipeline.runs.memory import MemoryRuns, MemoryState

RUN_ID = "20261122T021500Z-1a2b3c"
AWAY = ServiceUnavailableError("The Redis server at r:6379 does not answer.")


class World:
    """A run, its dispatcher, and somebody who looks."""

    def __init__(self):
        self.clock_s = 0.0
        state = MemoryState(lambda: self.clock_s)
        self.runs = MemoryRuns(state, dispatcher_lease_s=10, worker_lease_s=10)
        self.ticket = None
        self.lookout = self.looking_at(None)

    def looking_at(self, place):
        permits = MemoryPermits(limit=8, lease_s=10)
        return Lookout(self.runs, permits, MemoryQueue(), place, self.now)

    def now(self):
        return builders.NOW + timedelta(seconds=self.clock_s)

    def open(self, archive="podcasts/shows/", run_id=RUN_ID):
        self.ticket = self.runs.open(
            archive, "recipe", new_run_id=run_id, archive_uri=f"s3://{archive}", endpoint_id="fal-ai/whisper"
        )

    def tell(self, phase, **changes):
        told = builders.progress(self.ticket.run_id, phase=phase, **changes)
        self.runs.show_progress(self.ticket, told)

    def standing(self):
        return [run.standing for run in self.lookout.look().runs]


@pytest.fixture
def world():
    return World()


def test_a_run_is_followed_from_its_first_to_its_last_moment(world):
    seen = [world.standing()]
    world.open()
    seen.append(world.standing())
    world.tell(Phase.PLANNING)
    seen.append(world.standing())
    world.tell(Phase.TRANSCRIBING)
    seen.append(world.standing())
    world.tell(Phase.DONE)
    seen.append(world.standing())
    world.runs.close(world.ticket, finished=True)
    seen.append(world.standing())

    known = Standing
    assert seen == [[], [known.PLANNING], [known.PLANNING], [known.TRANSCRIBING], [known.DONE], [known.DONE]]


def test_one_whose_dispatcher_died_is_abandoned_until_it_goes_on(world):
    world.open()
    world.tell(Phase.TRANSCRIBING)
    world.clock_s += 11

    abandoned = world.lookout.look()
    world.open(run_id="another")

    (run,) = abandoned.runs
    assert (run.standing, run.dispatcher_alive) == (Standing.ABANDONED, False)
    assert abandoned.open_runs == [run]
    assert world.standing() == [Standing.TRANSCRIBING]


def test_one_that_was_stopped_stays_so_until_it_goes_on(world):
    world.open()
    world.tell(Phase.STOPPED, said="interrupted")
    world.runs.close(world.ticket, finished=False)

    stopped = world.lookout.look()
    world.open(run_id="another")

    assert [run.standing for run in stopped.runs] == [Standing.STOPPED]
    assert stopped.open_runs == []
    assert world.standing() == [Standing.PLANNING]


def test_one_that_ended_without_a_word_has_vanished(world):
    world.open()
    world.tell(Phase.TRANSCRIBING)
    world.runs.close(world.ticket, finished=True)

    assert world.standing() == [Standing.VANISHED]
    assert world.lookout.look().open_runs == []


def test_one_that_begins_between_the_questions_has_not_vanished(world, monkeypatch):
    asked = world.runs.summaries

    def late():
        found = asked()
        if not found:
            world.open()
            world.tell(Phase.PLANNING)
        return found

    monkeypatch.setattr(world.runs, "summaries", late)

    assert world.standing() == [Standing.PLANNING]


@pytest.mark.parametrize(
    ("place", "is_seen"),
    [
        (Place(bucket="podcasts"), True),
        (Place(bucket="podcasts", prefix="shows/"), True),
        (Place(bucket="podcasts", prefix="shows/a/"), True),
        (Place(bucket="podcasts", prefix="other/"), False),
        (Place(bucket="podcasts-2"), False),
        (Place(bucket="pod"), False),
    ],
)
def test_only_runs_within_or_around_the_place_are_seen(world, place, is_seen):
    world.open()

    assert bool(world.looking_at(place).look().runs) is is_seen


def test_redis_away_is_an_error_at_first_and_news_later(world, monkeypatch):
    def is_away():
        raise AWAY

    monkeypatch.setattr(world.runs, "summaries", is_away)
    with pytest.raises(ServiceUnavailableError):
        world.lookout.look()
    monkeypatch.undo()
    world.open()
    before = world.lookout.look()

    monkeypatch.setattr(world.runs, "summaries", is_away)
    world.clock_s += 5
    during = world.lookout.look()
    monkeypatch.undo()

    assert (during.trouble, during.runs) == (AWAY.message, before.runs)
    assert (during.seen_at, during.at) == (before.at, before.at + timedelta(seconds=5))
    assert world.lookout.look().trouble is None


def test_what_is_seen_obeys_its_schema_and_comes_back_from_it(world):
    world.open()
    world.tell(Phase.TRANSCRIBING, left_s=12.0)
    world.runs.show_worker(WorkerSummary("w", 8, 1))
    world.runs.stop(StopOrder("account", "No."))

    seen = world.lookout.look()

    schema = Tick.model_json_schema(mode="serialization")
    Draft202012Validator(schema).validate(seen.model_dump(mode="json"))
    assert schema["additionalProperties"] is False
    assert Tick.model_validate_json(seen.model_dump_json()) == seen


def test_each_line_says_what_a_person_must_know(make):
    order = StopOrder("bad_setting", "queue_url is wrong.", by_account=False)
    seen = make.tick(make.run(make.progress(), alive=False), workers=(), stop_order=order, trouble="No answer.")

    lines = lines_of(seen)

    assert len(lines) == 4
    assert "No answer." in lines[0]
    assert "queue_url is wrong. Nothing is submitted. Mend the setting" in lines[1]
    assert "abandoned (its dispatcher is gone" in lines[2]
    assert "125 jobs outstanding" in lines[2]
    assert "start one with make worker" in lines[3]


def test_a_line_about_a_run_without_a_word_yet_and_none_at_all(make):
    assert lines_of(make.tick(make.run(None))) == ["s3://podcasts/shows/ planning: 125 jobs outstanding"]
    assert lines_of(make.tick()) == ["No run is open."]
