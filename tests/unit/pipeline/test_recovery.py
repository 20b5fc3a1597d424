"""recovery: the stalled jobs of all open runs are sent again, by one process at a time."""

from __future__ import annotations

import builders
import pytest
from dispatching import World, jobs

from pipeline.recovery import recover


@pytest.fixture
def world():
    return World()


def test_a_job_whose_worker_died_and_a_job_whose_message_was_lost_are_sent_again(world):
    died, lost = jobs(2)
    world.runs.add("run1", [died, lost])
    world.leases.acquire(died)
    world.now += 31  # its lease has run out

    sent = recover(world.runs, world.queue, every_s=5)

    assert sent == {"run1": 2}
    assert sorted(job.job_id for job in world.queue.jobs) == sorted([died.job_id, lost.job_id])


def test_while_messages_wait_only_started_jobs_count_as_lost(world):
    died, waiting = jobs(2)
    world.runs.add("run1", [died, waiting])
    world.queue.put([waiting])
    world.leases.acquire(died)
    world.now += 31

    assert recover(world.runs, world.queue, every_s=5) == {"run1": 1}
    assert [job.job_id for job in world.queue.jobs] == [waiting.job_id, died.job_id]


def test_a_job_that_is_worked_on_is_left_alone(world):
    (job,) = jobs(1)
    world.runs.add("run1", [job])
    world.leases.acquire(job)

    assert recover(world.runs, world.queue, every_s=5) == {}
    assert world.queue.jobs == []


def test_one_process_at_a_time_looks(world):
    world.runs.add("run1", jobs(1))

    first = recover(world.runs, world.queue, every_s=5)
    world.now += 4
    world.queue.jobs.clear()  # lost again
    second = recover(world.runs, world.queue, every_s=5)
    world.now += 2
    third = recover(world.runs, world.queue, every_s=5)

    assert (first, second, third) == ({"run1": 1}, {}, {"run1": 1})


def test_the_jobs_of_every_open_run_are_looked_after(world):
    """Whoever is alive does it for all: a run whose dispatcher has died needs it most."""
    other = builders.job(builders.audio("other.mp3"), run_id="run2")
    world.runs.open("archive2", "recipe", new_run_id="run2", archive_uri="s3://b2/", endpoint_id="e")
    world.runs.add("run1", jobs(1))
    world.runs.add("run2", [other])

    assert recover(world.runs, world.queue, every_s=5) == {"run1": 1, "run2": 1}
