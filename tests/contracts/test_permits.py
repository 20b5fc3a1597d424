"""The contract of `Permits`, for memory and for a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.limits.base import Permits, PermitUse
from pipeline.limits.memory import MemoryPermits
from pipeline.limits.redis import RedisPermits
from pipeline.redis_server import connect

LIMIT = 3


@dataclass
class World:
    """An implementation, and what its surroundings can do to it."""

    permits: Permits
    let_lapse: Callable[[str], None]
    """Ends the lease of one job now. White-box: it moves the end of the lease, for nobody can move a server's clock."""
    clear: Callable[[], None]


def memory_world(clock) -> World:
    permits = MemoryPermits(limit=LIMIT, lease_s=30, clock=clock)

    def let_lapse(job_id: str) -> None:
        if job_id in permits._ends:
            permits._ends[job_id] = clock()

    def clear() -> None:
        permits._ends.clear()
        permits.set_ceiling(None)

    return World(permits, let_lapse, clear)


def redis_permits(client, key_prefix, *, account="acme", limit=LIMIT, lease_s=30) -> RedisPermits:
    return RedisPermits(client, key_prefix=key_prefix, account=account, limit=limit, lease_s=lease_s, recover_s=10)


def redis_world(client, key_prefix) -> World:
    key = f"{key_prefix}acme:permits"

    def let_lapse(job_id: str) -> None:
        client.zadd(key, {job_id: 1}, xx=True)

    return World(redis_permits(client, key_prefix), let_lapse, lambda: client.delete(key, f"{key}:limit"))


@pytest.fixture(params=["memory", "redis"])
def world(request) -> World:
    if request.param == "memory":
        return memory_world(request.getfixturevalue("clock"))
    return redis_world(request.getfixturevalue("redis_client"), request.getfixturevalue("key_prefix"))


@pytest.fixture
def permits(world) -> Permits:
    return world.permits


def test_gives_as_many_permits_as_the_limit_allows(permits):
    assert [permits.try_acquire(job) for job in "abcd"] == [True, True, True, False]
    assert permits.use() == PermitUse(held=3, limit=3, ceiling=3)


def test_a_job_holds_one_permit_however_often_it_asks(permits):
    assert [permits.try_acquire("a") for _ in range(5)] == [True] * 5
    assert permits.use().held == 1


def test_a_job_keeps_its_permit_when_all_are_taken(permits):
    for job in "abc":
        permits.try_acquire(job)

    assert permits.try_acquire("b")


def test_a_released_permit_is_free(permits):
    for job in "abc":
        permits.try_acquire(job)

    permits.release("b")

    assert permits.try_acquire("d")


def test_releasing_what_is_not_held_does_nothing(permits):
    permits.try_acquire("a")

    permits.release("stranger")

    assert permits.use().held == 1


def test_an_adopted_request_counts_beyond_the_limit(permits):
    for job in "abc":
        permits.try_acquire(job)

    permits.adopt("d")
    permits.adopt("d")

    assert permits.use() == PermitUse(held=4, limit=3, ceiling=3)
    permits.release("a")
    assert not permits.try_acquire("e")


def test_a_lapsed_permit_is_free(world):
    for job in "abc":
        world.permits.try_acquire(job)

    world.let_lapse("b")

    assert world.permits.use().held == 2
    assert world.permits.try_acquire("d")


def test_renewing_names_the_permits_that_were_lost(world):
    for job in "abc":
        world.permits.try_acquire(job)
    world.let_lapse("b")

    assert world.permits.renew({"a", "b", "stranger"}) == {"b", "stranger"}
    assert world.permits.use().held == 2


def test_renewing_a_thousand_permits_is_one_step(permits):
    jobs = [f"job-{number}" for number in range(1000)]
    for job in jobs:
        permits.adopt(job)

    assert permits.renew(jobs) == set()
    assert permits.renew([]) == set()


def test_a_ceiling_set_live_holds_at_once_and_takes_no_permit_away(world):
    for job in "abc":
        world.permits.try_acquire(job)

    world.permits.set_ceiling(4)
    assert [world.permits.try_acquire(job) for job in "de"] == [True, False]

    world.permits.set_ceiling(2)
    assert world.permits.use() == PermitUse(held=4, limit=2, ceiling=2)
    world.permits.release("a")
    world.permits.release("b")
    assert not world.permits.try_acquire("e")
    world.permits.release("c")
    assert world.permits.try_acquire("e")

    world.permits.set_ceiling(None)
    assert world.permits.use() == PermitUse(held=2, limit=LIMIT, ceiling=LIMIT)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_ceiling_that_would_stop_everything_is_refused(permits, limit):
    with pytest.raises(ConfigurationError, match="would stop all workers"):
        permits.set_ceiling(limit)

    assert permits.use().ceiling == LIMIT


def test_a_ceiling_set_live_is_everybodys(redis_client, key_prefix):
    ours = redis_permits(redis_client, key_prefix)
    theirs = redis_permits(redis_client, key_prefix, limit=50)

    ours.set_ceiling(7)

    assert (ours.use().ceiling, theirs.use().ceiling) == (7, 7)
    theirs.set_ceiling(None)
    assert (ours.use().ceiling, theirs.use().ceiling) == (LIMIT, 50)


def test_memory_leases_last_until_they_are_not_renewed(clock):
    permits = MemoryPermits(limit=2, lease_s=30, clock=clock)
    permits.try_acquire("dead")
    permits.try_acquire("alive")

    clock.now_s += 29
    permits.renew({"alive"})
    assert not permits.try_acquire("next")
    clock.now_s += 1

    assert permits.try_acquire("next")
    assert permits.renew({"alive"}) == set()


def test_a_dead_holders_permit_is_free_after_its_lease(redis_client, key_prefix):
    permits = redis_permits(redis_client, key_prefix, limit=1, lease_s=0.3)
    assert permits.try_acquire("dead")
    assert not permits.try_acquire("next")

    assert becomes_true(lambda: permits.try_acquire("next"))


# What may happen to the semaphore: an act, the job it concerns, and a limit (for `limit`).
ACTS = st.tuples(
    st.sampled_from(["acquire", "release", "adopt", "lapse", "renew", "limit"]),
    st.sampled_from([f"job-{number}" for number in range(8)]),
    st.integers(1, 5),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=40))
def test_no_interleaving_gives_a_permit_beyond_the_limit(world, acts):
    """A model of sets: a new permit is given exactly when fewer than the limit are held."""
    world.clear()
    permits, held, limit = world.permits, set(), LIMIT
    for act, job, number in acts:
        if act == "acquire":
            may_have = job in held or len(held) < limit
            assert permits.try_acquire(job) == may_have
            held |= {job} if may_have else set()
        elif act == "release":
            permits.release(job)
            held.discard(job)
        elif act == "adopt":
            permits.adopt(job)
            held.add(job)
        elif act == "lapse":
            world.let_lapse(job)
            held.discard(job)
        elif act == "renew":
            assert permits.renew({job}) == {job} - held
        else:
            permits.set_ceiling(limit := number)
        assert permits.use() == PermitUse(held=len(held), limit=limit, ceiling=limit)


def test_many_clients_together_never_hold_more_than_the_limit(valkey_url, redis_client, key_prefix):
    """Each thread looks, while it holds a permit, at how many the server counts."""
    seen, errors = [], []

    def work(name: str) -> None:
        try:
            with closing(connect(valkey_url, connect_timeout_s=5, socket_timeout_s=10)) as client:
                permits = redis_permits(client, key_prefix)
                done = 0
                while done < 25:
                    job = f"{name}-{done}"
                    if permits.try_acquire(job):
                        seen.append(client.zcard(f"{key_prefix}acme:permits"))
                        permits.release(job)
                        done += 1
        except Exception as error:  # noqa: BLE001  shown by the assertion below, not lost in a thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert len(seen) == 6 * 25
    assert min(seen) >= 1
    assert max(seen) <= LIMIT
    assert redis_client.zcard(f"{key_prefix}acme:permits") == 0


def test_accounts_do_not_share_permits(redis_client, key_prefix):
    ours = redis_permits(redis_client, key_prefix, limit=1)
    theirs = redis_permits(redis_client, key_prefix, account="other", limit=1)

    assert ours.try_acquire("a")
    assert theirs.try_acquire("b")


@pytest.mark.parametrize("text", ["many", "", "-1", "inf", "nan", "2.5", "0x10"])
def test_a_ceiling_that_is_no_whole_number_is_ignored(redis_client, key_prefix, text):
    permits = redis_permits(redis_client, key_prefix)
    redis_client.set(f"{key_prefix}acme:permits:limit", text)

    assert permits.try_acquire("a")
    assert permits.use() == PermitUse(held=1, limit=LIMIT, ceiling=LIMIT)


def becomes_true(question: Callable[[], bool], within_s: float = 10) -> bool:
    """Asks until the answer is yes; the deadline is far beyond what any machine needs."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        if question():
            return True
        time.sleep(0.02)
    return False
