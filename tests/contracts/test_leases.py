"""The contract of `Leases`, for memory and for a real server, seen by two workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pipeline.runs.base import Leases
from pipeline.runs.memory import MemoryLeases, MemoryState
from pipeline.runs.redis import RedisLeases

LEASE_S = 30


@dataclass
class World:
    """Two workers of one implementation, and how their leases come to an end."""

    ours: Leases
    theirs: Leases
    let_lapse: Callable[[str], None]
    """Ends the lease of a job now."""


@pytest.fixture(params=["memory", "redis"])
def world(request, clock) -> World:
    if request.param == "memory":
        state = MemoryState(clock)
        ours, theirs = (MemoryLeases(state, owner=owner, lease_s=LEASE_S) for owner in ("w1", "w2"))
        return World(ours, theirs, state.leases.pop)
    client, key_prefix = request.getfixturevalue("redis_client"), request.getfixturevalue("key_prefix")
    ours, theirs = redis_pair(client, key_prefix, LEASE_S)
    return World(ours, theirs, lambda job_id: client.delete(f"{key_prefix}lease:{job_id}"))


def redis_pair(client, key_prefix, lease_s: float) -> tuple[RedisLeases, RedisLeases]:
    ours, theirs = (RedisLeases(client, key_prefix=key_prefix, owner=owner, lease_s=lease_s) for owner in ("w1", "w2"))
    return ours, theirs


def test_one_worker_has_a_job(world, make_job):
    assert world.ours.acquire(make_job())
    assert not world.theirs.acquire(make_job())


def test_taking_what_one_has_already_succeeds(world, make_job):
    assert world.ours.acquire(make_job())
    assert world.ours.acquire(make_job())


def test_a_released_job_is_free(world, make_job):
    world.ours.acquire(make_job())

    world.ours.release("job-1")

    assert world.theirs.acquire(make_job())


def test_a_lapsed_job_is_free(world, make_job):
    world.ours.acquire(make_job())

    world.let_lapse("job-1")

    assert world.theirs.acquire(make_job())


def test_a_parked_job_is_free_for_anybody(world, make_job):
    for first, second in [(world.ours, world.theirs), (world.theirs, world.ours)]:
        assert first.acquire(make_job())
        first.park("job-1", for_s=100)
        assert second.acquire(make_job())
        assert not first.acquire(make_job())


def test_nobody_releases_or_parks_anothers_job(world, make_job):
    world.ours.acquire(make_job())

    world.theirs.release("job-1")
    world.theirs.park("job-1", for_s=100)

    assert world.ours.renew(["job-1"]) == set()
    assert not world.theirs.acquire(make_job())


def test_releasing_what_nobody_holds_does_nothing(world, make_job):
    world.ours.release("job-1")

    assert world.theirs.acquire(make_job())


def test_releasing_a_parked_job_leaves_it_parked(world, make_job):
    """A slot that hands its job back parks it, and its clean-up must not make the job look stalled."""
    world.ours.acquire(make_job())
    world.ours.park("job-1", for_s=100)

    world.ours.release("job-1")

    world.theirs.park("job-1", for_s=100)
    assert world.ours.renew(["job-1"]) == {"job-1"}
    assert world.theirs.acquire(make_job())


def test_renewing_names_what_is_no_longer_held(world, make_job):
    for name in ("kept", "lapsed", "parked", "taken"):
        world.ours.acquire(make_job(name))
    world.let_lapse("lapsed")
    world.ours.park("parked", for_s=100)
    world.let_lapse("taken")
    world.theirs.acquire(make_job("taken"))

    lost = world.ours.renew(["kept", "lapsed", "parked", "taken", "stranger"])

    assert lost == {"lapsed", "parked", "taken", "stranger"}
    assert world.ours.renew([]) == set()


def test_a_thousand_leases_are_renewed_at_once(world, make_job):
    jobs = [make_job(f"job-{number}") for number in range(1000)]
    for job in jobs:
        world.ours.acquire(job)

    assert world.ours.renew([job.job_id for job in jobs]) == set()


def test_of_two_workers_who_reach_for_a_job_one_gets_it(world, make_job):
    jobs = [make_job(f"job-{number}") for number in range(50)]
    taken: dict[str, list[str]] = {"ours": [], "theirs": []}
    together = threading.Barrier(2)

    def reach(name: str) -> None:
        together.wait()
        leases = getattr(world, name)
        taken[name] += [job.job_id for job in jobs if leases.acquire(job)]

    threads = [threading.Thread(target=reach, args=(name,)) for name in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken["ours"] + taken["theirs"]) == sorted(job.job_id for job in jobs)


def test_memory_leases_last_until_they_are_not_renewed(clock, make_job):
    state = MemoryState(clock)
    ours, theirs = (MemoryLeases(state, owner=owner, lease_s=LEASE_S) for owner in ("w1", "w2"))
    for name in ("dead", "alive"):
        ours.acquire(make_job(name))

    clock.now_s += LEASE_S - 1
    assert ours.renew(["alive"]) == set()
    assert not theirs.acquire(make_job("dead"))
    clock.now_s += 1

    assert theirs.acquire(make_job("dead"))
    assert not theirs.acquire(make_job("alive"))


def test_a_dead_workers_job_is_free_after_its_lease(redis_client, key_prefix, make_job):
    ours, theirs = redis_pair(redis_client, key_prefix, lease_s=0.3)
    assert ours.acquire(make_job())
    assert not theirs.acquire(make_job())

    deadline_s = time.monotonic() + 10
    while not theirs.acquire(make_job()):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)

    assert ours.renew(["job-1"]) == {"job-1"}
