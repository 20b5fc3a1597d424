"""What a run says that has reached its ceiling: figures a person can read, and a command that can be pasted."""

from __future__ import annotations

import shlex
import sys

import builders
import pytest

from pipeline import pricing
from pipeline.cli.again import same_command
from pipeline.cli.ceilings import stopped, used
from pipeline.cli.outcome import Outcome
from pipeline.limits.base import Amount, BudgetUse, Ceiling

PRICED = builders.settings(NIGHTSCRIBE_PROFILE="local")  # 0.07 USD per hour of audio
PRICE = pricing.price_of(PRICED, "fal-ai/whisper")
HOUR = 3600.0
NOTHING = Amount()


def outcome(done, left):
    """Ten-minute recordings of one megabyte."""
    made = Outcome(run_id="run1")
    for number in range(done):
        made.shortfall.add_done(builders.row(f"{number}.mp3", duration_s=600.0))
    for number in range(left):
        made.shortfall.add_left(builders.audio(f"{number}.mp3"), PRICED.audio)
    return made


def use(spent, ceiling, reserved=NOTHING):
    return BudgetUse(ceiling, spent, reserved, is_reached=True)


@pytest.mark.parametrize(
    ("typed", "changed", "expected"),
    [
        ("backfill s3://b/", {}, "nightscribe backfill s3://b/"),
        ("backfill 's3://b/my shows/'", {}, "nightscribe backfill 's3://b/my shows/'"),
        ("backfill s3://b/ --max-cost 5", {"--max-cost": "7"}, "nightscribe backfill s3://b/ --max-cost 7"),
        ("backfill --max-cost=5 s3://b/", {"--max-cost": "7"}, "nightscribe backfill s3://b/ --max-cost 7"),
        (
            "backfill --max-cost 5 s3://b/ --limit 3",
            {"--max-cost": "7"},
            "nightscribe backfill s3://b/ --limit 3 --max-cost 7",
        ),
    ],
)
def test_the_command_is_told_as_a_shell_takes_it(monkeypatch, typed, changed, expected):
    monkeypatch.setattr(sys, "argv", ["nightscribe", *shlex.split(typed)])

    assert same_command(changed) == expected


@pytest.mark.parametrize(
    ("spent", "ceiling", "said"),
    [
        (Amount(4.9), Ceiling(10.0), "4.9 of 10 USD"),
        (Amount(0.000059), Ceiling(0.0005), "0.000059 of 0.0005 USD"),
        (Amount(1234.567, 36_000.0), Ceiling(2000.0, 72_000.0), "1234.57 of 2000 USD, 10 of 20 h"),
        (Amount(), Ceiling(), "no ceiling"),
    ],
)
def test_figures_are_readable_at_any_size(spent, ceiling, said):
    assert used(use(spent, ceiling)) == said


def test_the_higher_ceiling_is_enough_for_what_is_left(monkeypatch):
    """By the bit rate of what was done: sizes alone may mislead by far."""
    monkeypatch.setattr(sys, "argv", ["nightscribe", "backfill", "s3://b/", "--max-cost", "0.5"])

    said = stopped(outcome(12, 24), use(Amount(0.14), Ceiling(0.5)), Ceiling(0.5), PRICE)

    assert "12 objects were transcribed in this run, 24 are left (about 4 h for 0.28 USD" in said
    suggested = float(said.rpartition("--max-cost ")[2])
    assert 0.14 + 0.28 < 0.5 < suggested < 1


@pytest.mark.parametrize("done", [0, 3])
def test_both_ceilings_are_raised_and_each_is_higher_than_it_was(monkeypatch, done):
    monkeypatch.setattr(sys, "argv", ["nightscribe", "backfill", "s3://b/"])
    ceiling = Ceiling(0.1, 2 * HOUR)
    reached = use(Amount(0.035, HOUR / 2), ceiling, Amount(0.05, HOUR))

    said = stopped(outcome(done, 30), reached, ceiling, PRICE)

    words = said.split()
    assert float(words[words.index("--max-cost") + 1]) > 0.1
    assert float(words[words.index("--max-audio-hours") + 1]) > 2
