"""A worker that consumes no more is told from one that is busy, or that has nothing to do."""

from __future__ import annotations

import pytest

from workers.liveness import Liveness


@pytest.fixture
def clock():
    return [0.0]


def liveness(clock, slots=2):
    return Liveness(slots, 60.0, lambda: clock[0])


def looks(watched, clock, *, busy, queued, for_s=120):
    """What the last of many looks says."""
    said = False
    for _ in range(for_s):
        clock[0] += 1
        said = watched.look(busy, queued)
    return said


@pytest.mark.parametrize(
    ("busy", "queued", "is_stuck"), [(0, 5, True), (1, 5, True), (2, 5, False), (0, 0, False), (2, 0, False)]
)
def test_it_is_stuck_when_messages_wait_and_a_slot_is_free(clock, busy, queued, is_stuck):
    assert looks(liveness(clock), clock, busy=busy, queued=queued) is is_stuck


def test_a_slot_that_does_a_night_is_not_free(clock):
    watched = liveness(clock)
    with watched.at_night():
        assert looks(watched, clock, busy=1, queued=5) is False
        # The other slot is.
        assert looks(watched, clock, busy=0, queued=5) is True
    assert looks(watched, clock, busy=1, queued=5) is True


def test_a_task_that_begins_shows_that_it_consumes(clock):
    watched = liveness(clock)
    looks(watched, clock, busy=0, queued=5)

    watched.consumed()

    assert not watched.is_stuck
    assert looks(watched, clock, busy=0, queued=5, for_s=59) is False
