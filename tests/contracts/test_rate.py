"""The contract of `Rate`, for memory and for a real server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.limits.base import Rate
from pipeline.limits.memory import MemoryRate
from pipeline.limits.redis import RedisRate


@pytest.fixture(params=["memory", "redis"])
def make_rate(request):
    """Builds a rate. The server's clock runs on while a test does; the rates here are slow enough not to notice."""

    def build(per_s: float, burst: int) -> Rate:
        if request.param == "memory":
            return MemoryRate(per_s=per_s, burst=burst, clock=request.getfixturevalue("clock"))
        client, key_prefix = request.getfixturevalue("redis_client"), request.getfixturevalue("key_prefix")
        return RedisRate(client, key_prefix=key_prefix, account="acme", per_s=per_s, burst=burst)

    return build


def test_a_burst_goes_at_once_and_the_rest_at_the_rate(make_rate):
    rate = make_rate(per_s=0.01, burst=3)

    waits_s = [rate.reserve(max_wait_s=1000) for _ in range(6)]

    # Less than 5 s of the server's time passes between the first call and the last.
    assert waits_s[:3] == [0, 0, 0]
    assert waits_s[3:] == [pytest.approx(wait_s, abs=5) for wait_s in (100, 200, 300)]


def test_what_is_refused_is_not_booked(make_rate):
    rate = make_rate(per_s=0.01, burst=1)
    assert rate.reserve(max_wait_s=0) == 0

    assert [rate.reserve(max_wait_s=50) for _ in range(10)] == [None] * 10

    assert rate.reserve(max_wait_s=1000) == pytest.approx(100, abs=5)


def test_a_burst_of_one_spaces_evenly(make_rate):
    rate = make_rate(per_s=0.1, burst=1)

    waits_s = [rate.reserve(max_wait_s=100) for _ in range(4)]

    assert waits_s == [pytest.approx(wait_s, abs=5) for wait_s in (0, 10, 20, 30)]


@given(
    per_s=st.floats(0.1, 100),
    burst=st.integers(1, 20),
    max_wait_s=st.floats(0, 20),
    gaps_ms=st.lists(st.integers(0, 2000), min_size=1, max_size=60),
)
def test_no_window_sees_more_than_the_burst_and_the_rate(per_s, burst, max_wait_s, gaps_ms):
    clock_ms = 0
    rate = MemoryRate(per_s=per_s, burst=burst, clock=lambda: clock_ms / 1000)
    starts_us = []
    for gap_ms in gaps_ms:
        clock_ms += gap_ms
        wait_s = rate.reserve(max_wait_s)
        if wait_s is not None:
            assert 0 <= wait_s <= max_wait_s
            starts_us.append(clock_ms * 1000 + round(wait_s * 1_000_000))

    assert starts_us == sorted(starts_us)
    for first, from_us in enumerate(starts_us):
        for last, to_us in enumerate(starts_us[first:], start=first):
            assert last - first + 1 <= burst + per_s * (to_us - from_us) / 1_000_000 + 1e-9


@given(per_s=st.floats(0.1, 100), burst=st.integers(1, 20))
def test_the_burst_is_whole_again_after_a_pause(per_s, burst):
    now_s = 0.0
    rate = MemoryRate(per_s=per_s, burst=burst, clock=lambda: now_s)
    while rate.reserve(max_wait_s=0) is not None:
        pass

    now_s = burst / per_s + 0.001

    assert [rate.reserve(max_wait_s=0) for _ in range(burst)] == [0] * burst
    assert rate.reserve(max_wait_s=0) is None


def test_the_servers_waits_keep_to_the_rate_in_every_window(redis_client, key_prefix):
    """By the server's own clock: each moment it gives away is the time before the call, plus the wait, or later."""
    per_s, burst = 50, 5
    rate = RedisRate(redis_client, key_prefix=key_prefix, account="acme", per_s=per_s, burst=burst)
    starts_s = []
    for _ in range(100):
        asked_s = server_time_s(redis_client)
        wait_s = rate.reserve(max_wait_s=60)
        starts_s.append((asked_s + wait_s, server_time_s(redis_client) + wait_s))

    for first, (earliest_s, _) in enumerate(starts_s):
        for last, (_, latest_s) in enumerate(starts_s[first:], start=first):
            assert last - first + 1 <= burst + per_s * (latest_s - earliest_s) + 0.01


def test_an_idle_server_keeps_no_key(redis_client, key_prefix):
    rate = RedisRate(redis_client, key_prefix=key_prefix, account="acme", per_s=10, burst=1)

    rate.reserve(max_wait_s=0)

    assert 0 < redis_client.pttl(f"{key_prefix}acme:rate") <= 100


def server_time_s(client) -> float:
    seconds, microseconds = client.time()
    return seconds + microseconds / 1_000_000
