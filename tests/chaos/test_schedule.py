"""The schedule: drawn from the seed alone, complete, and in order."""

from __future__ import annotations

import pytest
from chaos.schedule import KILLS, Act, counted, schedule
from chaos.sizes import LARGE, SIZES, SMALL


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_a_seed_gives_the_same_events_again_and_another_seed_others(size):
    assert schedule(7, size) == schedule(7, size)
    assert schedule(7, size) != schedule(8, size)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_events_come_in_the_order_of_the_work_and_none_before_its_beginning_or_at_its_end(size):
    shares = [event.share for event in schedule(1, size)]

    assert shares == sorted(shares)
    assert 0 < shares[0] <= shares[-1] <= 0.9


def test_every_kind_of_event_occurs_as_often_as_the_size_says():
    number = counted(schedule(1, SMALL))

    assert set(number) == {act.value for act in Act}
    assert sum(number[act.value] for act in KILLS) == SMALL.kills
    assert number[Act.FREEZE_WORKER.value] == SMALL.freezes


def test_the_sizes_are_those_that_were_promised():
    assert (SMALL.objects, SMALL.kills) >= (300, 30)
    assert (LARGE.objects, LARGE.kills) >= (10_000, 300)
