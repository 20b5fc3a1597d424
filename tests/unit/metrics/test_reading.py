"""One scrape, from memory: what is running is told, and nothing of a part that is away."""

from __future__ import annotations

import builders
import pytest

from pipeline.errors import ServiceUnavailableError
from pipeline.limits.base import Amount, Ceiling
from pipeline.limits.memory import MemoryPermits
from pipeline.limits.memory_budget import MemoryBudget
from pipeline.metrics.families import NAMES
from pipeline.metrics.live import Live
from pipeline.metrics.nights import Nights, Shelf
from pipeline.metrics.reading import Reading
from pipeline.models import Place, Progress
from pipeline.queue.base import QueueWatch, Waiting
from pipeline.runs.base import StopOrder, WorkerSummary
from pipeline.runs.memory import MemoryRuns, MemoryState
from pipeline.runs.memory_meters import MemoryMeterBook

ARCHIVE = "s3://podcasts/"
SERIES = ("nightscribe_slow_downs_total", "total")


class FixedQueue(QueueWatch):
    """Shows what it was told, or is away."""

    def __init__(self) -> None:
        self.waiting: Waiting | None = Waiting(0)

    def look(self) -> Waiting:
        if self.waiting is None:
            raise ServiceUnavailableError("Redis is away.")
        return self.waiting


class Scene:
    """A fleet in memory and one reading of it."""

    def __init__(self) -> None:
        self.runs = MemoryRuns(MemoryState(), dispatcher_lease_s=15.0, worker_lease_s=30.0)
        self.permits = MemoryPermits(limit=4, lease_s=30.0, recover_s=10.0)
        self.budget = MemoryBudget()
        self.queue = FixedQueue()
        self.book = MemoryMeterBook()
        nights = Nights(Shelf(lambda *_: None, lambda *_: ()), dict, every_s=60.0)
        nights.refresh()
        self.reading = Reading(
            Live(self.runs, self.permits, self.budget, self.queue, self.book), nights, now_epoch_s=lambda: 1000.0
        )

    def begin(self, archive: str = "a1", **told) -> Progress:
        """A run over an archive, of which this is told."""
        progress = builders.progress(**told)
        self.ticket = self.runs.open(
            archive,
            "recipe",
            new_run_id=progress.run_id,
            archive_uri=progress.archive.uri,
            endpoint_id=progress.endpoint_id,
        )
        self.runs.show_progress(self.ticket, progress)
        return progress

    def told(self):
        """The values, by name without prefix and labels."""
        samples, _ = self.reading()
        keys = [(sample.name, sample.labels) for sample in samples]
        assert len(keys) == len(set(keys)), "Prometheus refuses a sample that is there twice"
        assert {name for name, _ in keys} <= NAMES
        return {
            (name.removeprefix("nightscribe_"), *labels): value
            for (name, labels), value in zip(keys, (sample.value for sample in samples), strict=True)
        }


@pytest.fixture
def scene():
    return Scene()


def test_nothing_runs_and_nothing_waits(scene):
    told = scene.told()

    assert told["up", "redis"] == 1
    assert told["queue_jobs",] == told["queue_oldest_seconds",] == told["workers",] == told["permits_held",] == 0
    assert told["breaker_open", "", ""] == 0
    assert not [name for name, *_ in told if name.startswith("run_")]


def test_the_queue_and_how_long_its_oldest_waits(scene):
    scene.queue.waiting = Waiting(7, 940.0)
    assert scene.told()["queue_oldest_seconds",] == 60

    scene.queue.waiting = Waiting(7, 1003.0)  # the sender's clock is ahead
    assert scene.told()["queue_oldest_seconds",] == 0

    scene.queue.waiting = Waiting(7, None)
    told = scene.told()
    assert told["queue_jobs",] == 7
    assert ("queue_oldest_seconds",) not in told


def test_workers_and_the_one_that_is_stuck(scene):
    scene.runs.show_worker(WorkerSummary("w1@a", 8, 5))
    scene.runs.show_worker(WorkerSummary("w2@b", 4, 0, is_stuck=True))

    told = scene.told()

    assert told["workers",] == 2
    assert (told["worker_slots", "w1@a"], told["worker_busy_slots", "w1@a"]) == (8, 5)
    assert (told["worker_stuck", "w1@a"], told["worker_stuck", "w2@b"]) == (0, 1)


def test_a_stop_order_is_an_open_breaker_with_its_reason(scene):
    scene.runs.stop(StopOrder("user_locked", "fal says: top up."))

    told = scene.told()

    assert told["breaker_open", "user_locked", "account"] == 1
    assert ("breaker_open", "", "") not in told


def test_a_run_that_is_driven(scene):
    progress = scene.begin(
        phase="transcribing",
        by_state={"done": 5, "uncertain": 1},
        by_reason={"submit_reply_lost": 1},
        enqueued=9,
        outstanding=99,
        audio_s_per_s=120.0,
        left_s=30.0,
        audio_s=3600.0,
    )
    scene.runs.add(progress.run_id, [builders.job(run_id=progress.run_id)])

    told = scene.told()

    assert told["run_info", ARCHIVE, progress.run_id, "fal-ai/whisper"] == 1
    assert (told["run_phase", ARCHIVE, "transcribing"], told["run_phase", ARCHIVE, "done"]) == (1, 0)
    assert told["run_open", ARCHIVE] == told["run_dispatcher_alive", ARCHIVE] == 1
    assert told["run_outstanding_jobs", ARCHIVE] == 1  # Redis' own count, not what was told
    assert [told["run_objects", ARCHIVE, state] for state in ("done", "failed", "uncertain", "pending")] == [5, 0, 1, 0]
    assert told["run_problems", ARCHIVE, "submit_reply_lost"] == 1
    assert (told["run_pace_ratio", ARCHIVE], told["run_eta_seconds", ARCHIVE]) == (120, 30)
    assert not [key for key in told if key[0].startswith("run_ceiling")]


def test_what_is_no_name_is_no_label(scene):
    """Some reasons are fal's own words for an error; a thousand of them would be a thousand series."""
    strange = {"https://s3.test/a?X-Amz-Signature=x": 2, "two words": 1}
    scene.begin(phase="transcribing", by_reason=strange | {f"kind_{number}": 1 for number in range(1000)} | {"most": 5})
    scene.runs.stop(StopOrder("Your key is a:b", "fal says: top up."))

    told = scene.told()

    problems = {key[2]: value for key, value in told.items() if key[0] == "run_problems"}
    assert (problems["most"], sum(problems.values()), len(problems)) == (5, 1008, 200)
    assert not [reason for reason in problems if "X-Amz" in reason or " " in reason]
    assert told["breaker_open", "other", "account"] == 1


def test_a_run_that_nobody_drives_has_no_forecast(scene):
    scene.begin(phase="transcribing", audio_s_per_s=120.0, left_s=30.0)
    scene.runs.close(scene.ticket, finished=False)

    told = scene.told()

    assert (told["run_open", ARCHIVE], told["run_dispatcher_alive", ARCHIVE]) == (1, 0)
    assert ("run_eta_seconds", ARCHIVE) not in told
    assert ("run_pace_ratio", ARCHIVE) not in told


def test_a_run_that_has_ended_keeps_its_sums(scene):
    scene.begin(phase="done", by_state={"done": 5}, left_s=0.0)
    scene.runs.close(scene.ticket, finished=True)

    told = scene.told()

    assert (told["run_open", ARCHIVE], told["run_phase", ARCHIVE, "done"]) == (0, 1)
    assert told["run_objects", ARCHIVE, "done"] == 5
    assert ("run_eta_seconds", ARCHIVE) not in told


def test_a_ceiling_with_what_is_spent_and_reserved_of_it(scene):
    progress = scene.begin(phase="transcribing")
    scene.budget.open(
        progress.run_id, Ceiling(cost_usd=10.0), spent=Amount(4.0, 60.0), reserved={"j": Amount(0.5, 9.0)}
    )

    told = scene.told()

    assert [told[f"run_{what}_usd", ARCHIVE] for what in ("spent", "reserved", "ceiling")] == [4.0, 0.5, 10.0]
    assert ("run_spent_audio_seconds", ARCHIVE) not in told


def test_of_two_runs_over_one_archive_with_different_outputs_the_newer_is_told(scene):
    scene.begin("a1", run_id="20261101", phase="done")
    newer = scene.begin("a2", run_id="20261102", output=Place(bucket="elsewhere"))

    told = scene.told()

    assert [key[2] for key in told if key[0] == "run_info"] == [newer.run_id]


def test_redis_away_leaves_a_zero_and_no_numbers(scene):
    scene.begin()
    scene.book.add({SERIES: 3.0})
    assert scene.reading()[1] == {SERIES: 3.0}

    scene.queue.waiting = None
    samples, gathered = scene.reading()

    assert gathered is None
    assert {(sample.name, *sample.labels): sample.value for sample in samples if sample.name != "nightscribe_info"} == {
        ("nightscribe_up", "redis"): 0
    }

    scene.queue.waiting = Waiting(0)
    assert scene.told()["up", "redis"] == 1
