"""The contract of `Runs`, for memory and for a real server: jobs from their queueing to their rows."""

from __future__ import annotations

import threading

import pytest

from pipeline.models import State
from pipeline.runs.base import Runs
from pipeline.runs.records import Keys


@pytest.fixture
def runs(run_world) -> Runs:
    return run_world.runs


def test_jobs_are_outstanding_until_they_are_settled(runs, make_job, make_row):
    jobs = [make_job(name) for name in "abc"]
    runs.add("run-1", jobs)
    runs.add("run-1", [])

    assert runs.outstanding("run-1") == 3
    assert runs.known("run-1", ["a", "c", "stranger"]) == {"a", "c"}
    assert runs.known("run-1", []) == set()
    assert runs.known("run-2", ["a"]) == set()

    assert runs.settle(jobs[0], make_row(jobs[0]))
    assert runs.outstanding("run-1") == 2
    assert runs.known("run-1", ["a", "b"]) == {"b"}


def test_a_job_is_wanted_while_it_is_outstanding_in_its_own_run(runs, make_job, make_row):
    jobs = {name: make_job(name) for name in ("settled", "dropped", "open")}
    runs.add("run-1", list(jobs.values()))
    assert all(runs.wanted(job) for job in jobs.values())

    runs.settle(jobs["settled"], make_row(jobs["settled"]))
    runs.drop(jobs["dropped"])

    assert [name for name, job in jobs.items() if runs.wanted(job)] == ["open"]
    assert not runs.wanted(make_job("open", run_id="run-2"))
    assert not runs.wanted(make_job("stranger"))


def test_adding_a_job_again_changes_nothing(runs, make_job):
    runs.add("run-1", [make_job("a")])
    runs.add("run-1", [make_job("a")])

    assert runs.outstanding("run-1") == 1


def test_a_repeated_row_is_refused(runs, make_job, make_row):
    job = make_job("a")
    runs.add("run-1", [job])

    assert [runs.settle(job, make_row(job)) for _ in range(3)] == [True, False, False]
    assert len(runs.rows("run-1", 0, 10)) == 1


def test_a_dropped_job_leaves_no_row(runs, make_job, make_row):
    job = make_job("a")
    runs.add("run-1", [job])

    runs.drop(job)

    assert runs.outstanding("run-1") == 0
    assert runs.stalled("run-1", queue_is_empty=True) == []
    assert not runs.settle(job, make_row(job))
    assert runs.rows("run-1", 0, 10) == []


def test_rows_are_read_in_order_and_stay_until_they_are_taken(runs, make_job, make_row):
    jobs = [make_job(f"job-{number}", key=f"ep {number} ☃\n\"'%2F.mp3") for number in range(5)]
    runs.add("run-1", jobs)
    for job in jobs:
        runs.settle(job, make_row(job, State.FAILED))
    rows = [make_row(job, State.FAILED) for job in jobs]

    assert runs.rows("run-1", 0, 3) == rows[:3]
    assert runs.rows("run-1", 0, 3) == rows[:3]
    assert runs.rows("run-1", 3, 10) == rows[3:]
    assert runs.rows("run-1", 0, 0) == []

    runs.take("run-1", 3)
    assert runs.rows("run-1", 0, 10) == rows[3:]
    runs.take("run-1", 0)
    assert runs.rows("run-1", 0, 10) == rows[3:]
    runs.take("run-1", 2)
    assert runs.rows("run-1", 0, 10) == []


def test_a_job_whose_worker_died_is_stalled(run_world, make_job):
    jobs = [make_job("a"), make_job("b")]
    run_world.runs.add("run-1", jobs)
    run_world.leases.acquire(jobs[0])
    assert run_world.runs.stalled("run-1", queue_is_empty=False) == []

    run_world.let_all_lapse()

    assert run_world.runs.stalled("run-1", queue_is_empty=False) == [jobs[0]]


def test_a_job_that_was_never_started_is_stalled_only_when_the_queue_is_empty(run_world, make_job):
    jobs = {name: make_job(name) for name in "ab"}
    run_world.runs.add("run-1", list(jobs.values()))
    run_world.leases.acquire(jobs["a"])

    assert run_world.runs.stalled("run-1", queue_is_empty=False) == []
    assert run_world.runs.stalled("run-1", queue_is_empty=True) == [jobs["b"]]


def test_a_stalled_job_is_named_once_while_its_new_message_waits_in_the_queue(run_world, make_job):
    """Otherwise a long queue would be flooded with messages for the same job."""
    job = make_job("a")
    run_world.runs.add("run-1", [job])
    run_world.leases.acquire(job)
    run_world.let_all_lapse()

    assert run_world.runs.stalled("run-1", queue_is_empty=False) == [job]
    assert run_world.runs.stalled("run-1", queue_is_empty=False) == []
    assert run_world.runs.stalled("run-1", queue_is_empty=True) == [job]


def test_a_job_that_was_handed_back_waits_in_the_queue_like_any_other(run_world, make_job):
    job = make_job("a")
    run_world.runs.add("run-1", [job])

    run_world.leases.hand_back(job, run_world.leases.acquire(job))

    assert run_world.runs.stalled("run-1", queue_is_empty=False) == []
    assert run_world.leases.acquire(job)


def test_a_parked_job_is_not_stalled_until_its_time_is_over(run_world, make_job):
    job = make_job("a")
    run_world.runs.add("run-1", [job])

    run_world.leases.park("a", run_world.leases.acquire(job), for_s=5)
    assert run_world.runs.stalled("run-1", queue_is_empty=True) == []

    run_world.let_all_lapse()
    assert run_world.runs.stalled("run-1", queue_is_empty=False) == [job]


def test_a_settled_job_is_never_stalled(run_world, make_job, make_row):
    job = make_job("a")
    run_world.runs.add("run-1", [job])
    token = run_world.leases.acquire(job)
    run_world.runs.settle(job, make_row(job))
    run_world.leases.release("a", token)

    assert run_world.runs.stalled("run-1", queue_is_empty=True) == []


def test_a_late_second_message_does_not_start_a_settled_job_anew(run_world, make_job, make_row):
    job = make_job("a")
    run_world.runs.add("run-1", [job])
    run_world.runs.settle(job, make_row(job))

    run_world.leases.acquire(job)
    run_world.let_all_lapse()

    assert run_world.runs.stalled("run-1", queue_is_empty=False) == []


def test_all_stalled_jobs_are_found_however_many(run_world, make_job):
    jobs = {f"job-{number}": make_job(f"job-{number}") for number in range(1100)}
    run_world.runs.add("run-1", list(jobs.values()))
    for name in ("job-0", "job-999"):
        run_world.leases.acquire(jobs[name])

    stalled = run_world.runs.stalled("run-1", queue_is_empty=True)

    assert {job.job_id for job in stalled} == jobs.keys() - {"job-0", "job-999"}


def test_a_job_that_many_settle_gets_one_row(run_world, make_job, make_row):
    jobs = [make_job(f"job-{number}") for number in range(30)]
    run_world.runs.add("run-1", jobs)

    def settle_all() -> None:
        for job in jobs:
            run_world.runs.settle(job, make_row(job))

    threads = [threading.Thread(target=settle_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(row.job_id for row in run_world.runs.rows("run-1", 0, 1000)) == sorted(job.job_id for job in jobs)


def test_one_looks_for_stalled_jobs_at_a_time(run_world):
    assert run_world.runs.claim_recovery(for_s=20)
    assert [run_world.runs.claim_recovery(for_s=20) for _ in range(3)] == [False] * 3

    run_world.let_all_lapse()

    assert run_world.runs.claim_recovery(for_s=20)


def test_of_many_who_would_look_for_stalled_jobs_one_does(runs):
    claims = []
    together = threading.Barrier(8)

    def claim() -> None:
        together.wait()
        claims.append(runs.claim_recovery(for_s=20))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(claims) == [False] * 7 + [True]


def test_a_removal_that_is_repeated_after_a_lost_reply_removes_once(
    redis_run_world, redis_client, key_prefix, make_job, make_row
):
    """White-box: the client repeats a script with the very same arguments."""
    jobs = [make_job(name) for name in "abc"]
    redis_run_world.runs.add("run-1", jobs)
    for job in jobs:
        redis_run_world.runs.settle(job, make_row(job))
    keys = Keys(key_prefix).run("run-1")

    for _ in range(2):
        redis_run_world.runs._take([keys.rows, keys.taken], [1, "one-token"])

    assert redis_run_world.runs.rows("run-1", 0, 10) == [make_row(job) for job in jobs[1:]]


def test_a_long_run_keeps_nothing_of_its_settled_jobs(redis_run_world, redis_client, key_prefix, make_job, make_row):
    """I6: what lies in the server is bounded by the queue, not by the number of objects."""
    job = make_job("a")
    redis_run_world.runs.add("run-1", [job])
    token = redis_run_world.leases.acquire(job)

    redis_run_world.runs.settle(job, make_row(job))
    redis_run_world.leases.release("a", token)

    assert list(redis_client.scan_iter(f"{key_prefix}*")) == [Keys(key_prefix).run("run-1").rows]


def test_who_has_lost_the_job_does_not_settle_it_for_its_heir(run_world, make_job, make_row):
    """A worker that was asleep comes back with a failure, while another one carries the job on."""
    job = make_job("a")
    run_world.runs.add("run-1", [job])
    of_the_sleeper = run_world.leases.acquire(job)
    run_world.let_all_lapse()
    of_the_heir = run_world.leases.acquire(job)

    assert not run_world.runs.settle(job, make_row(job), of_the_sleeper)
    assert run_world.runs.outstanding("run-1") == 1
    assert run_world.runs.settle(job, make_row(job), of_the_heir)


@pytest.mark.parametrize("how", ["lapsed", "parked"])
def test_a_job_that_nobody_holds_is_settled_by_whoever_had_it_unless_it_is_parked(run_world, make_job, make_row, how):
    """After a wipe nobody holds anything. A parked job comes back by itself."""
    job = make_job("a")
    run_world.runs.add("run-1", [job])
    token = run_world.leases.acquire(job)
    if how == "lapsed":
        run_world.let_all_lapse()
    else:
        run_world.leases.park("a", token, 100)

    assert run_world.runs.settle(job, make_row(job), token) == (how == "lapsed")


def test_a_job_is_dropped_by_its_holder_or_when_nobody_holds_it(run_world, make_job):
    job = make_job("a")
    run_world.runs.add("run-1", [job])
    of_the_sleeper = run_world.leases.acquire(job)
    run_world.let_all_lapse()
    of_the_heir = run_world.leases.acquire(job)

    for token in (None, of_the_sleeper):
        run_world.runs.drop(job, token)
        assert run_world.runs.outstanding("run-1") == 1
    run_world.runs.drop(job, of_the_heir)
    assert run_world.runs.outstanding("run-1") == 0


def test_a_parked_job_is_dropped_by_its_message(run_world, make_job):
    job = make_job("a")
    run_world.runs.add("run-1", [job])
    run_world.leases.park("a", run_world.leases.acquire(job), 100)

    run_world.runs.drop(job)

    assert run_world.runs.outstanding("run-1") == 0
