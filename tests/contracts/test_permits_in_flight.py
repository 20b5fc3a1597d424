"""The contract of `Permits` for requests that fal has accepted: they count whoever has died, until they are over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pipeline.limits.base import Permits, PermitUse
from pipeline.limits.memory import MemoryPermits
from pipeline.limits.redis import RedisPermits


@dataclass
class World:
    """An implementation with two permits, and how all leases come to their end."""

    permits: Permits
    let_all_lapse: Callable[[], None]


@pytest.fixture(params=["memory", "redis"])
def world(request) -> World:
    if request.param == "memory":
        clock = request.getfixturevalue("clock")

        def pass_a_lease() -> None:
            clock.now_s += 30

        return World(MemoryPermits(limit=2, lease_s=30, clock=clock), pass_a_lease)
    client, key_prefix = request.getfixturevalue("redis_client"), request.getfixturevalue("key_prefix")
    key = f"{key_prefix}acme:permits"

    def move_ends_back() -> None:
        client.zadd(key, dict.fromkeys(client.zrange(key, 0, -1), 1))

    return World(redis_permits(client, key_prefix), move_ends_back)


@pytest.fixture
def permits(world) -> Permits:
    return world.permits


def redis_permits(client, key_prefix, *, regather_s: float = 0.0) -> RedisPermits:
    return RedisPermits(
        client, key_prefix=key_prefix, account="acme", limit=2, lease_s=30, recover_s=10, regather_s=regather_s
    )


def test_a_request_in_flight_outlives_its_lease_and_a_permit_without_one_does_not(world, permits):
    permits.try_acquire("submitting")
    permits.try_acquire("in flight")
    permits.adopt("in flight", "request-1")

    world.let_all_lapse()

    assert permits.use() == PermitUse(held=1, limit=2, ceiling=2)
    assert [permits.try_acquire(job) for job in ("new", "one more")] == [True, False]


def test_requests_are_abandoned_when_their_lease_runs_out(world, permits):
    permits.adopt("a", "request-a")
    permits.adopt("b", "request-b")
    permits.adopt("unnamed")
    assert permits.abandoned() == {}

    world.let_all_lapse()

    assert permits.abandoned() == {"a": "request-a", "b": "request-b"}
    permits.release("a")
    assert permits.abandoned() == {"b": "request-b"}
    assert permits.use().held == 1


@pytest.mark.parametrize("come_back", ["try_acquire", "adopt", "renew"])
def test_an_abandoned_request_is_its_jobs_again_when_somebody_comes_back_for_it(world, permits, come_back):
    permits.adopt("a", "request-a")
    world.let_all_lapse()

    if come_back == "renew":
        assert permits.renew({"a"}) == set()
    else:
        getattr(permits, come_back)("a")

    assert permits.abandoned() == {}
    assert permits.use().held == 1
    world.let_all_lapse()
    assert permits.abandoned() == {"a": "request-a"}


def test_a_released_request_is_forgotten_with_its_permit(world, permits):
    """The job's next attempt is another request; the old one must not be taken for it."""
    permits.adopt("a", "request-a")
    permits.release("a")
    permits.try_acquire("a")

    world.let_all_lapse()

    assert permits.abandoned() == {}
    assert permits.use().held == 0


def test_a_server_that_knows_nothing_first_hears_what_is_in_flight(redis_client, key_prefix):
    permits = redis_permits(redis_client, key_prefix, regather_s=600)

    assert not permits.try_acquire("new")
    permits.adopt("ours", "request-1")
    permits.adopt("theirs", "request-2")
    assert not permits.try_acquire("new")
    assert permits.try_acquire("ours")

    # White-box: ten minutes later, for nobody can move a server's clock.
    redis_client.decrby(f"{key_prefix}acme:permits:since", 600_000)
    assert not permits.try_acquire("new")
    permits.release("theirs")
    assert permits.try_acquire("new")


def test_a_server_is_new_once(redis_client, key_prefix):
    """Between two runs nobody holds anything, and still nobody waits again."""
    permits = redis_permits(redis_client, key_prefix, regather_s=600)
    permits.try_acquire("a")
    redis_client.decrby(f"{key_prefix}acme:permits:since", 600_000)
    assert permits.try_acquire("a")
    permits.release("a")

    assert redis_permits(redis_client, key_prefix, regather_s=600).try_acquire("b")
