"""The contract of `Runs`, for memory and for a real server: dispatchers, workers, and what they tell each other."""

from __future__ import annotations

import threading
import time

import pytest

from pipeline.errors import RunActiveError
from pipeline.runs.base import AtWork, RunSummary, WorkerSummary
from pipeline.runs.redis import RedisRuns


def test_the_first_dispatcher_opens_a_run_of_its_own(run_world):
    ticket = run_world.open(new_run_id="run-1")

    assert (ticket.archive_id, ticket.run_id, ticket.recipe_hash) == ("archive-1", "run-1", "recipe-1")
    assert not ticket.resumed


def test_an_archive_has_one_dispatcher_and_the_second_is_told_of_the_run(run_world):
    run_world.open(new_run_id="run-1")

    with pytest.raises(RunActiveError, match="run-1"):
        run_world.open(new_run_id="run-2")


def test_other_archives_are_not_in_the_way(run_world):
    run_world.open(archive_id="archive-1")

    assert run_world.open(archive_id="archive-2", new_run_id="run-2").run_id == "run-2"


def test_an_unfinished_run_is_continued_with_its_jobs_and_rows(run_world, make_job, make_row):
    ticket = run_world.open(new_run_id="run-1")
    jobs = [make_job("a"), make_job("b")]
    run_world.runs.add("run-1", jobs)
    run_world.runs.settle(jobs[0], make_row(jobs[0]))
    run_world.runs.close(ticket, finished=False)

    again = run_world.open(new_run_id="run-2")

    assert again.resumed
    assert again.run_id == "run-1"
    assert again.token != ticket.token
    assert run_world.runs.outstanding("run-1") == 1
    assert run_world.runs.rows("run-1", 0, 10) == [make_row(jobs[0])]


def test_a_run_that_only_s3_knows_of_is_continued_under_its_id(run_world):
    ticket = run_world.open(new_run_id="run-2", unfinished_run_id="run-1")

    assert (ticket.run_id, ticket.resumed) == ("run-1", True)
    assert [summary.run_id for summary in run_world.runs.summaries()] == ["run-1"]
    run_world.runs.close(ticket, finished=False)
    again = run_world.open(new_run_id="run-3")
    assert (again.run_id, again.resumed) == ("run-1", True)


def test_the_server_knows_better_than_s3_which_run_is_unfinished(run_world):
    run_world.runs.close(run_world.open("recipe-1", new_run_id="run-1"), finished=False)

    same = run_world.open("recipe-1", new_run_id="run-2", unfinished_run_id="run-0")
    assert (same.run_id, same.resumed) == ("run-1", True)
    run_world.runs.close(same, finished=False)

    other = run_world.open("recipe-2", new_run_id="run-2", unfinished_run_id="run-0")
    assert (other.run_id, other.resumed) == ("run-2", False)


def test_a_run_that_s3_still_shows_is_continued_although_the_server_has_just_forgotten_it(run_world):
    """Its dispatcher died between the two: what is left in S3 decides."""
    run_world.runs.close(run_world.open(new_run_id="run-1"), finished=True)

    again = run_world.open(new_run_id="run-2", unfinished_run_id="run-1")

    assert (again.run_id, again.resumed) == ("run-1", True)
    assert run_world.runs.beat(again)


def test_the_run_of_a_dead_dispatcher_is_continued(run_world):
    ticket = run_world.open(new_run_id="run-1")
    run_world.let_all_lapse()

    again = run_world.open(new_run_id="run-2")

    assert again.resumed
    assert again.run_id == "run-1"
    assert not run_world.runs.beat(ticket)
    assert run_world.runs.beat(again)


def test_a_heartbeat_keeps_the_run(run_world):
    ticket = run_world.open()

    assert run_world.runs.beat(ticket)
    with pytest.raises(RunActiveError):
        run_world.open(new_run_id="run-2")


def test_a_dispatcher_that_slept_goes_on_when_nobody_took_its_run(run_world):
    ticket = run_world.open()
    run_world.let_all_lapse()

    assert run_world.runs.beat(ticket)
    with pytest.raises(RunActiveError):
        run_world.open(new_run_id="run-2")


def test_a_dispatcher_that_slept_learns_that_its_run_was_finished(run_world):
    sleeper = run_world.open()
    run_world.let_all_lapse()
    run_world.runs.close(run_world.open(), finished=True)

    assert not run_world.runs.beat(sleeper)
    assert run_world.runs.summaries() == []


def test_a_dispatcher_that_slept_cannot_close_what_another_has_taken(run_world, make_job):
    sleeper = run_world.open()
    run_world.runs.add("run-1", [make_job("a")])
    run_world.let_all_lapse()
    taker = run_world.open()

    run_world.runs.close(sleeper, finished=True)

    assert run_world.runs.outstanding("run-1") == 1
    assert run_world.runs.beat(taker)


def test_a_finished_run_is_forgotten(run_world, make_job, make_row):
    ticket = run_world.open(new_run_id="run-1")
    jobs = [make_job("a"), make_job("b")]
    run_world.runs.add("run-1", jobs)
    run_world.runs.settle(jobs[0], make_row(jobs[0]))

    run_world.runs.close(ticket, finished=True)

    assert run_world.runs.outstanding("run-1") == 0
    assert run_world.runs.rows("run-1", 0, 10) == []
    assert run_world.runs.summaries() == []
    again = run_world.open(new_run_id="run-2")
    assert (again.run_id, again.resumed) == ("run-2", False)


def test_another_recipe_starts_a_new_run_and_drops_the_old_rows(run_world, make_job, make_row):
    old_job = make_job("a", run_id="run-1")
    ticket = run_world.open("recipe-1", new_run_id="run-1")
    run_world.runs.add("run-1", [old_job])
    run_world.runs.close(ticket, finished=False)

    again = run_world.open("recipe-2", new_run_id="run-2")

    assert (again.run_id, again.resumed) == ("run-2", False)
    assert not run_world.runs.settle(old_job, make_row(old_job))
    assert run_world.runs.rows("run-1", 0, 10) == []
    assert [summary.run_id for summary in run_world.runs.summaries()] == ["run-2"]


def test_workers_are_listed_while_they_show_themselves(run_world):
    run_world.runs.show_worker(WorkerSummary("w2", slots=64, busy=3))
    run_world.runs.show_worker(WorkerSummary("w1", slots=8, busy=0))
    run_world.runs.show_worker(WorkerSummary("w2", slots=64, busy=4))
    assert run_world.runs.workers() == [WorkerSummary("w1", 8, 0), WorkerSummary("w2", 64, 4)]

    run_world.let_all_lapse()
    assert run_world.runs.workers() == []

    run_world.runs.show_worker(WorkerSummary("w1", slots=8, busy=1))
    assert run_world.runs.workers() == [WorkerSummary("w1", 8, 1)]


def test_a_worker_says_what_it_works_on(run_world):
    work = (AtWork("s3://podcasts/\x1b épisode.mp3", 1_790_000_000.5), AtWork("s3://podcasts/b.mp3", 1_790_000_001.0))
    shown = WorkerSummary("w1", slots=8, busy=2, at_work=work)
    run_world.runs.show_worker(shown)

    assert run_world.runs.workers() == [shown]


def test_a_worker_says_that_it_is_stuck(run_world):
    run_world.runs.show_worker(WorkerSummary("w1", slots=8, busy=0, is_stuck=True))
    run_world.runs.show_worker(WorkerSummary("w2", slots=8, busy=0))

    assert [worker.is_stuck for worker in run_world.runs.workers()] == [True, False]


def test_summaries_tell_of_every_open_run(run_world, make_job, make_row):
    ticket = run_world.open(new_run_id="run-1")
    jobs = [make_job(name) for name in "abc"]
    run_world.runs.add("run-1", jobs)
    run_world.runs.settle(jobs[0], make_row(jobs[0]))
    run_world.open(archive_id="archive-2", new_run_id="run-2")
    running = RunSummary("run-1", "s3://podcasts/shows/", "fal-ai/whisper", 2, 1, dispatcher_alive=True)
    other = RunSummary("run-2", "s3://podcasts/shows/", "fal-ai/whisper", 0, 0, dispatcher_alive=True)
    assert run_world.runs.summaries() == [running, other]

    run_world.runs.close(ticket, finished=False)

    paused = RunSummary("run-1", "s3://podcasts/shows/", "fal-ai/whisper", 2, 1, dispatcher_alive=False)
    assert run_world.runs.summaries() == [paused, other]


def test_of_many_who_open_at_once_one_dispatches(run_world):
    won, refused = [], []
    together = threading.Barrier(8)

    def open_run(number: int) -> None:
        together.wait()
        try:
            won.append(run_world.open(new_run_id=f"run-{number}"))
        except RunActiveError as error:
            refused.append(error)

    threads = [threading.Thread(target=open_run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(won), len(refused)) == (1, 7)
    assert run_world.runs.beat(won[0])


def test_a_dead_dispatchers_lease_ends_by_the_servers_clock(redis_client, key_prefix):
    runs = RedisRuns(redis_client, key_prefix=key_prefix, dispatcher_lease_s=0.2, worker_lease_s=0.2, account="acme")
    archive = {"archive_uri": "s3://podcasts/", "endpoint_id": "fal-ai/whisper"}
    runs.open("archive-1", "recipe-1", new_run_id="run-1", **archive)
    runs.show_worker(WorkerSummary("w1", slots=1, busy=0))

    deadline_s = time.monotonic() + 10
    while runs.workers() or runs.summaries()[0].dispatcher_alive:
        assert time.monotonic() < deadline_s
        time.sleep(0.02)

    assert runs.open("archive-1", "recipe-1", new_run_id="run-2", **archive).resumed


def test_a_finished_run_leaves_one_small_key_for_a_day(redis_run_world, redis_client, key_prefix, make_job, make_row):
    ticket = redis_run_world.open()
    jobs = [make_job("a"), make_job("b")]
    redis_run_world.runs.add("run-1", jobs)
    for job in jobs:
        token = redis_run_world.leases.acquire(job)
        redis_run_world.runs.settle(job, make_row(job))
        redis_run_world.leases.release(job.job_id, token)
    redis_run_world.runs.take("run-1", 2)

    redis_run_world.runs.close(ticket, finished=True)

    assert list(redis_client.scan_iter(f"{key_prefix}*")) == [f"{key_prefix}archive:archive-1"]
    assert 0 < redis_client.ttl(f"{key_prefix}archive:archive-1") <= 86400


def test_watchers_see_how_far_the_newest_run_of_each_archive_is(run_world, make_progress):
    one = run_world.open(archive_id="archive-1", new_run_id="run-1")
    two = run_world.open(archive_id="archive-2", new_run_id="run-2")
    assert run_world.runs.progress() == []

    run_world.runs.show_progress(two, make_progress("run-2"))
    run_world.runs.show_progress(one, make_progress("run-1"))
    run_world.runs.show_progress(one, make_progress("run-1", enqueued=7))

    assert run_world.runs.progress() == [make_progress("run-1", enqueued=7), make_progress("run-2")]


def test_how_a_run_ended_is_seen_when_it_is_over(run_world, make_progress):
    ticket = run_world.open(new_run_id="run-1")
    run_world.runs.show_progress(ticket, make_progress("run-1", phase="done"))

    run_world.runs.close(ticket, finished=True)

    assert run_world.runs.progress() == [make_progress("run-1", phase="done")]
