"""What a process tells of the jobs that it holds: the oldest, a few of all, in a record that stays small."""

from __future__ import annotations

import builders

from pipeline.runs.base import WorkerSummary
from pipeline.runs.held import HeldLeases
from pipeline.runs.memory import MemoryState
from pipeline.runs.memory_leases import MemoryLeases
from pipeline.runs.records import WORKERS


def held():
    return HeldLeases(MemoryLeases(MemoryState(), owner="w1", lease_s=30.0))


def job(key):
    return builders.job(builders.audio(key))


def test_the_oldest_jobs_are_told_first_and_those_that_are_over_no_more():
    leases = held()
    jobs = [job(f"{number}.mp3") for number in range(10)]
    tokens = [leases.take(each) for each in jobs]

    first = [work.uri for work in leases.longest]
    leases.release(jobs[0].job_id, tokens[0])
    leases.park(jobs[2].job_id, tokens[2], 1.0)
    leases.hand_back(jobs[3], tokens[3])
    then = [work.uri for work in leases.longest]

    assert first == [jobs[number].object.uri for number in (0, 1, 2, 3)]
    assert then == [jobs[number].object.uri for number in (1, 4, 5, 6)]
    assert [work.since_epoch_s for work in leases.longest] == sorted(work.since_epoch_s for work in leases.longest)


def test_a_job_that_another_holds_is_not_told():
    state = MemoryState()
    mine, others = (HeldLeases(MemoryLeases(state, owner=owner, lease_s=30.0)) for owner in ("w1", "w2"))
    others.take(job("a.mp3"))

    assert mine.take(job("a.mp3")) is None
    assert mine.longest == ()


def test_whatever_a_worker_holds_its_sign_of_life_stays_small():
    leases = held()
    for number in range(500):
        leases.take(job(f"{'é' * 500}/{number}.mp3"))

    text = WORKERS.encode(WorkerSummary("w1", 500, 500, at_work=leases.longest))

    assert len(text.encode()) < 2000
    assert [work.uri[-6:] for work in leases.longest] == ["/0.mp3", "/1.mp3", "/2.mp3", "/3.mp3"]


def test_versions_understand_each_other():
    """Workers are replaced one by one: what the last version wrote is read, and what it does not know it ignores."""
    before = WORKERS.decode('{"name": "w", "slots": 8, "busy": 1, "is_stuck": false}')
    after = WORKERS.decode('{"name": "w", "slots": 8, "busy": 1, "is_stuck": false, "of_the_next_version": [1]}')

    assert before == after == WorkerSummary("w", 8, 1)
