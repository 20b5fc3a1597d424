"""What both lists of unshown requests promise."""

from __future__ import annotations

import pytest

from pipeline.errors import ServiceUnavailableError
from pipeline.redis_server import connect
from pipeline.runs.memory_unshown import MemoryUnshown
from pipeline.runs.redis_unshown import RedisUnshown


@pytest.fixture(params=["memory", "redis"])
def make(request):
    """Makes the list, or another hand on the same one."""
    if request.param == "memory":
        made = MemoryUnshown(most_kept=3)
        return lambda: made
    client, prefix = request.getfixturevalue("redis_client"), request.getfixturevalue("key_prefix")
    return lambda: RedisUnshown(client, key_prefix=prefix, most_kept=3)


def test_nothing_is_known_at_first(make):
    assert make().ids() == frozenset()


def test_what_one_worker_notes_all_know(make):
    make().note("r1")
    make().note("r2")
    make().note("r1")

    assert make().ids() == {"r1", "r2"}


def test_the_oldest_are_forgotten(make):
    unshown = make()
    for number in range(5):
        unshown.note(f"r{number}")

    assert unshown.ids() == {"r2", "r3", "r4"}


def test_a_server_that_is_away_says_so():
    away = connect("redis://127.0.0.1:1/0", connect_timeout_s=0.2, socket_timeout_s=2)
    unshown = RedisUnshown(away, key_prefix="k:")

    with pytest.raises(ServiceUnavailableError):
        unshown.note("r1")
    with pytest.raises(ServiceUnavailableError):
        unshown.ids()
    away.close()
