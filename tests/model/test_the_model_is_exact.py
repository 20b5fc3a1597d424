"""What makes the exploration small must not make it blind: each short cut is held against the long way."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from model import explorer
from model.explorer import Explorer
from model.reduction import meets_nothing
from model.surroundings import KINDS
from model.words import MOMENTS, SETTINGS
from model.world import Bounds

from pipeline.transcribe import intents

_STEPS = 12


def test_places_that_are_taken_as_one_go_on_alike():
    """A worker's place is what its generator still knows; here the same answers follow on different beginnings."""
    explored = Explorer(Bounds(kinds=frozenset(KINDS), moments=(0, 3), with_running=False))
    explored.run()
    prefixes, chance = explored.prefixes, random.Random(7)
    merged = [(number, answers) for number, answers in prefixes.merged if answers != prefixes.places[number].answers]
    next_of = {}
    for (place, answer), then in prefixes.steps.items():
        next_of.setdefault(place, []).append((answer, then))

    assert len(merged) > 100
    for number, answers in chance.sample(merged, 100):
        for _ in range(3):
            on, at = (), number
            while len(on) < _STEPS and at in next_of:
                answer, at = chance.choice(next_of[at])
                on = (*on, answer)
            own = prefixes.places[number].answers
            assert prefixes.ops(number, answers + on)[len(answers) :] == prefixes.ops(number, own + on)[len(own) :]


@pytest.mark.parametrize(
    "bounds",
    [
        Bounds(kinds=frozenset(KINDS)),
        Bounds(kinds=frozenset({"crash", "lost"}), faults=2),
        Bounds(jobs=2, permits=1, kinds=frozenset({"crash"})),
        Bounds(jobs=2, ceiling=1, kinds=frozenset({"crash", "lost"}), with_running=False),
    ],
    ids=["one object", "two faults", "two objects and a permit", "two objects and a budget"],
)
def test_acts_that_are_not_interleaved_lose_no_ending(bounds, monkeypatch):
    short = Explorer(bounds)
    seen = short.run()
    monkeypatch.setattr(
        explorer,
        "meets_nothing",
        lambda desk, world, worker: (
            desk.prefixes.places[worker.place].op[0] in {"AskTime", "Sign"} and meets_nothing(desk, world, worker)
        ),
    )
    long = Explorer(bounds)
    all_seen = long.run()

    assert short.endings() == long.endings()
    assert len(short.endings()) > 1
    assert seen.states < all_seen.states


def test_the_moments_lie_on_both_sides_of_each_deadline():
    """The model knows moments instead of times; this is what makes the ones stand for the others."""
    start, impatient, expired, *days = MOMENTS
    expiry, margin = timedelta(seconds=SETTINGS.url_lifetime_s), timedelta(minutes=1)
    is_free = expiry + timedelta(seconds=SETTINGS.fal.history_lag_s) + margin

    assert timedelta(seconds=SETTINGS.fal.reconcile_patience_s) < impatient - start
    assert timedelta(seconds=SETTINGS.fal.submit_timeout_s) < impatient - start
    assert impatient - start < timedelta(seconds=SETTINGS.fal.start_timeout_s) < expired - impatient
    assert impatient - start < expiry - margin
    assert expiry < expired - start < is_free
    assert all(later - sooner > is_free for sooner, later in zip([expired, *days], days, strict=False))


def test_an_intent_is_free_at_the_moment_that_the_model_takes_it_to_be():
    explored = Explorer(Bounds(kinds=frozenset({"crash"}), moments=(0, 1, 2, 3)))
    explored.run()

    assert explored.intents()
    for intent in explored.intents():
        signed = intent.url_expires_at - timedelta(seconds=SETTINGS.url_lifetime_s)
        free = [moment for moment in MOMENTS if moment >= intents.free_at(intent, SETTINGS)]
        assert free[0] == min(moment for moment in MOMENTS[3:] if moment > signed)
