"""The contract of `Permits.slow_down`, for memory and for a real server: how the limit falls and grows back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.limits.base import Permits, PermitUse
from pipeline.limits.memory import MemoryPermits
from pipeline.limits.redis import RedisPermits

# Of the rhythms below nobody notices the seconds that a real server's clock runs on while a test does.
COOL_DOWN_S = 1000
RECOVER_S = 100_000
LEASE_S = 10_000_000


@dataclass
class World:
    """Builds an implementation, and lets time pass over it."""

    make: Callable[..., Permits]
    let_pass: Callable[[float], None]
    """White-box with a real server: it moves what was noted into the past, for nobody can move a server's clock."""


def memory_world(clock) -> World:
    def make(limit: int, *, recover_s: float = RECOVER_S, cool_down_s: float = COOL_DOWN_S) -> Permits:
        return MemoryPermits(limit=limit, lease_s=LEASE_S, recover_s=recover_s, cool_down_s=cool_down_s, clock=clock)

    def let_pass(seconds: float) -> None:
        clock.now_s += seconds

    return World(make, let_pass)


def redis_world(client, key_prefix) -> World:
    key = f"{key_prefix}acme:permits:reduced"

    def make(limit: int, *, recover_s: float = RECOVER_S, cool_down_s: float = COOL_DOWN_S) -> Permits:
        client.delete(key, f"{key_prefix}acme:permits", f"{key_prefix}acme:permits:limit")
        return RedisPermits(
            client,
            key_prefix=key_prefix,
            account="acme",
            limit=limit,
            lease_s=LEASE_S,
            recover_s=recover_s,
            cool_down_s=cool_down_s,
        )

    def let_pass(seconds: float) -> None:
        for field in ("at_ms", "paused_until_ms"):
            if client.hexists(key, field):
                client.hincrby(key, field, -round(seconds * 1000))

    return World(make, let_pass)


@pytest.fixture(params=["memory", "redis"])
def world(request) -> World:
    if request.param == "memory":
        return memory_world(request.getfixturevalue("clock"))
    return redis_world(request.getfixturevalue("redis_client"), request.getfixturevalue("key_prefix"))


def given_out(permits: Permits, most: int = 1000) -> int:
    """How many permits can be had now; all are given back."""
    jobs = [f"probe-{number}" for number in range(most)]
    got = []
    while len(got) < most and permits.try_acquire(jobs[len(got)]):
        got.append(jobs[len(got)])
    for job in got:
        permits.release(job)
    return len(got)


def test_the_limit_falls_to_half_and_only_so_many_are_given(world):
    permits = world.make(limit=8)

    permits.slow_down(0)

    assert permits.use() == PermitUse(held=0, limit=4, ceiling=8)
    assert given_out(permits) == 4


@pytest.mark.parametrize(("ceiling", "after"), [(1, 1), (2, 1), (3, 1), (5, 2), (200, 100)])
def test_half_is_a_whole_number_and_at_least_one(world, ceiling, after):
    permits = world.make(limit=ceiling)

    permits.slow_down(0)

    assert permits.use() == PermitUse(held=0, limit=after, ceiling=ceiling)


def test_one_wave_of_refusals_halves_it_once(world):
    permits = world.make(limit=16)

    for _ in range(20):
        permits.slow_down(0)
    assert permits.use().limit == 8

    world.let_pass(COOL_DOWN_S)
    permits.slow_down(0)
    permits.slow_down(0)
    assert permits.use().limit == 4


def test_it_falls_from_what_it_has_grown_to(world):
    permits = world.make(limit=21)
    permits.slow_down(0)
    assert permits.use().limit == 10

    world.let_pass(RECOVER_S * 0.3)  # grows by 6
    assert permits.use().limit == 16
    permits.slow_down(0)

    assert permits.use().limit == 8


def test_it_grows_evenly_and_stays_at_the_ceiling(world):
    permits = world.make(limit=11)
    for _ in range(3):
        permits.slow_down(0)
        world.let_pass(COOL_DOWN_S)
    permits.slow_down(0)
    assert permits.use().limit == 1

    limits = []
    for _ in range(12):
        world.let_pass(RECOVER_S / 10 + 1)
        limits.append(permits.use().limit)

    assert limits == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 11, 11]


@pytest.mark.parametrize("ceiling", [1, 2, 3, 200])
def test_it_is_whole_again_ten_seconds_after_the_worst_storm(world, ceiling):
    permits = world.make(limit=ceiling, recover_s=10, cool_down_s=1)
    for _ in range(30):
        permits.slow_down(0)
        world.let_pass(1)
    permits.slow_down(0)

    world.let_pass(10)

    assert permits.use() == PermitUse(held=0, limit=ceiling, ceiling=ceiling)


def test_nothing_new_is_given_during_a_pause_and_what_is_held_stays(world):
    permits = world.make(limit=8)
    permits.try_acquire("ours")

    permits.slow_down(500)

    assert not permits.try_acquire("new")
    assert permits.try_acquire("ours")
    assert permits.renew({"ours"}) == set()
    permits.adopt("resumed")
    assert permits.use() == PermitUse(held=2, limit=4, ceiling=8)

    world.let_pass(501)
    assert permits.try_acquire("new")


@pytest.mark.parametrize("pauses_s", [(100, 600, 0), (600, 100, 0)])
def test_the_longest_pause_counts_also_within_the_cool_down(world, pauses_s):
    permits = world.make(limit=8)
    for pause_s in pauses_s:
        permits.slow_down(pause_s)

    world.let_pass(500)
    assert not permits.try_acquire("new")

    world.let_pass(101)
    assert permits.try_acquire("new")


def test_the_limit_grows_only_after_the_pause(world):
    """Otherwise a long pause would end in the same flood that caused it."""
    permits = world.make(limit=11)
    permits.slow_down(RECOVER_S * 5)

    world.let_pass(RECOVER_S * 5 + 1)
    assert permits.use().limit == 5

    world.let_pass(RECOVER_S * 0.2 + 1)
    assert permits.use().limit == 7


def test_a_refusal_within_the_cool_down_does_not_stop_the_growth(world):
    permits = world.make(limit=21, cool_down_s=RECOVER_S)
    permits.slow_down(0)
    world.let_pass(RECOVER_S * 0.3)

    permits.slow_down(0)

    assert permits.use().limit == 16


def test_a_ceiling_set_live_is_what_it_grows_to(world):
    permits = world.make(limit=100)
    permits.slow_down(0)

    permits.set_ceiling(21)
    assert permits.use() == PermitUse(held=0, limit=21, ceiling=21)
    world.let_pass(COOL_DOWN_S)
    permits.slow_down(0)
    assert permits.use() == PermitUse(held=0, limit=10, ceiling=21)

    world.let_pass(RECOVER_S * 0.3 + 1)
    assert permits.use().limit == 16
    permits.set_ceiling(None)
    assert permits.use().ceiling == 100
    world.let_pass(RECOVER_S)
    assert permits.use().limit == 100


ACTS = st.tuples(
    st.sampled_from(["acquire", "acquire", "acquire", "release", "slow_down", "pause", "pass", "ceiling"]),
    st.integers(0, 11),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.integers(1, 12), acts=st.lists(ACTS, max_size=40))
def test_in_no_order_of_acts_is_a_permit_given_beyond_the_limit_in_force(world, limit, acts):
    """A permit is given exactly when fewer than the limit in force are held and no pause is on."""
    permits, held, paused_for_s, ceiling = world.make(limit=limit), set(), 0.0, limit
    for act, number in acts:
        before = permits.use()
        assert 1 <= before.limit <= before.ceiling == ceiling
        if act == "acquire":
            job = f"job-{number}"
            may_have = job in held or (paused_for_s <= 0 and len(held) < before.limit)
            assert permits.try_acquire(job) == may_have
            held |= {job} if may_have else set()
        elif act == "release":
            permits.release(f"job-{number}")
            held.discard(f"job-{number}")
        elif act == "pass":
            world.let_pass(number * RECOVER_S / 8)
            paused_for_s -= number * RECOVER_S / 8
            assert permits.use().limit >= before.limit
        elif act == "ceiling":
            ceiling = number + 1
            permits.set_ceiling(ceiling)
        else:
            # A hundred seconds more than a multiple of what passes at once: no pause ends while the test looks.
            pause_s = number * RECOVER_S / 8 + 100 if act == "pause" else 0
            permits.slow_down(pause_s)
            paused_for_s = max(paused_for_s, pause_s)
            assert permits.use().limit in {before.limit, max(1, before.limit // 2)}
        assert permits.use().held == len(held)


def test_a_reduction_that_has_grown_back_leaves_no_key(redis_client, key_prefix):
    permits = RedisPermits(redis_client, key_prefix=key_prefix, account="acme", limit=8, lease_s=30, recover_s=10)

    permits.slow_down(0)
    assert 0 < redis_client.pttl(f"{key_prefix}acme:permits:reduced") <= 10_000

    permits.slow_down(60)
    assert 10_000 < redis_client.pttl(f"{key_prefix}acme:permits:reduced") <= 70_000


def test_one_workers_refusal_slows_all_of_the_account_and_nobody_else(redis_client, key_prefix):
    def of(account: str) -> RedisPermits:
        return RedisPermits(
            redis_client, key_prefix=key_prefix, account=account, limit=8, lease_s=30, recover_s=RECOVER_S
        )

    of("acme").slow_down(0)

    assert of("acme").use().limit == 4
    assert of("other").use().limit == 8
