"""What a report counts: right whatever comes, and in memory that does not grow."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reported import facts, finished

from pipeline.drawing import nice_ceiling
from pipeline.models import Place, State
from pipeline.report import Report, page
from pipeline.report.gathering import LENGTHS_S
from pipeline.report.shows import Shows
from pipeline.report.spreads import Spread
from pipeline.report.timeline import _WIDTHS_S, MOST_BINS, Timeline
from pipeline.report.troubles import Suspects, Troubles, told
from pipeline.storage.memory import MemoryStorage

WHOLE = Place(bucket="podcasts")
amounts = st.floats(min_value=0, max_value=1e7)


@given(st.lists(amounts, min_size=1, max_size=60), st.floats(min_value=0.05, max_value=1))
def test_a_spread_loses_nothing_and_its_quantiles_are_right_to_two_percent(numbers, share):
    spread = Spread(LENGTHS_S)
    for number in numbers:
        spread.add(number)

    exact = sorted(numbers)[math.ceil(share * len(numbers) - 1e-9) - 1]
    assert sum(spread.bins) == spread.count == len(numbers)
    assert spread.quantile(share) == pytest.approx(max(exact, 1e-3), rel=0.02)


def test_a_spread_of_nothing_has_no_quantile():
    assert Spread(LENGTHS_S).quantile(0.5) is None


@given(st.lists(st.tuples(st.integers(-100, 10**8), st.booleans()), min_size=1, max_size=50))
def test_a_timeline_loses_nothing_and_never_has_more_bins_than_fit(moments):
    timeline = Timeline(builders.NOW)
    for after_s, is_done in moments:
        timeline.add(builders.NOW + timedelta(seconds=after_s), 60.0, is_done=is_done)

    assert len(timeline.bins) <= MOST_BINS
    assert sum(one.done for one in timeline.bins) == sum(is_done for _, is_done in moments)
    assert sum(one.failed for one in timeline.bins) == sum(not is_done for _, is_done in moments)
    last = max(0, *(after_s for after_s, _ in moments)) // timeline.width_s
    assert len(timeline.bins) == last + 1


def test_bins_can_be_joined_to_each_wider_one():
    assert all(wide % narrow == 0 for narrow, wide in pairwise(_WIDTHS_S))


@pytest.mark.parametrize(
    ("prefix", "key", "show"),
    [
        ("shows/", "shows/a/1.mp3", "a"),
        ("shows/", "shows/a/2024/1.mp3", "a"),
        ("shows/", "shows/1.mp3", "shows"),
        ("shows/a", "shows/aa/1.mp3", "aa"),
        ("", "a/1.mp3", "a"),
        ("", "1.mp3", None),
        ("", "/1.mp3", ""),
    ],
)
def test_a_show_is_the_first_folder_below_the_prefix(prefix, key, show):
    shows = Shows(Place(bucket="podcasts", prefix=prefix))

    shows.add(builders.remembered(builders.row(key, duration_s=60.0)), of_run=True)

    assert [one.name for one in shows.largest(5)[0]] == [show]


def test_of_more_shows_than_are_counted_apart_the_others_are_one_sum(monkeypatch):
    monkeypatch.setattr("pipeline.report.shows._MOST", 3)
    shows = Shows(Place(bucket="podcasts"))
    for number in range(10):
        row = builders.row(f"{number}/1.mp3", duration_s=60.0 * (number + 1), cost_usd=0.5)
        shows.add(builders.remembered(row), of_run=False)

    largest, others, rest = shows.largest(2)

    assert ([show.name for show in largest], others, shows.uncounted_apart) == (["2", "1"], 1, True)
    assert (rest.episodes, rest.cost_usd, rest.run_episodes) == (8, 4.0, 0)
    assert rest.audio_s + sum(show.audio_s for show in largest) == 60.0 * sum(range(1, 11))


def test_examples_are_of_this_run_where_there_are_any():
    troubles = Troubles("run2")
    for number, run_id in enumerate(["run1"] * 5 + ["run2", "run1", "run2"]):
        row = builders.row(f"{number}", State.FAILED, reason="not_audio", run_id=run_id)
        troubles.add(builders.remembered(row))

    (trouble,) = troubles.most(State.FAILED)
    assert (trouble.of_run, trouble.in_all) == (2, 8)
    assert sorted(example.key for example in trouble.examples) == ["2", "5", "7"]


def test_reasons_without_end_are_not_kept_without_end():
    troubles = Troubles("run1")
    for number in range(1000):
        row = builders.row(f"{number}", State.FAILED, reason=f"http_{number}", run_id="run1")
        troubles.add(builders.remembered(row))

    kept = troubles.most(State.FAILED)
    assert len(kept) <= 201
    assert sum(one.in_all for one in kept) == 1000


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9999)), max_size=30))
def test_the_worst_suspects_are_those_with_most_findings_then_the_longest(made):
    suspects = Suspects(5)
    for number, (findings, duration_s) in enumerate(made):
        row = builders.row(f"{number}", suspect=("loop", "gap", "silent")[:findings], duration_s=float(duration_s))
        suspects.add(told(builders.remembered(row)))

    worst = [(len(one.suspect), one.duration_s) for one in suspects.worst()]
    assert worst == sorted(made, reverse=True)[:5]
    assert (suspects.count, sum(suspects.by_finding.values())) == (len(made), sum(findings for findings, _ in made))


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_the_top_of_a_scale_is_round_and_not_far_above(highest):
    top = nice_ceiling(highest)

    assert highest * (1 - 1e-6) <= top <= highest * 2.0001


def test_the_top_of_an_empty_scale_is_one():
    assert nice_ceiling(0) == 1


def test_without_a_price_no_cost_is_told_as_nothing():
    storage = MemoryStorage()
    for number in (1, 2):
        rows = [builders.row(f"show/{number}", duration_s=60.0, run_id=f"run{number}")]
        made, gathering = finished(storage, facts(f"run{number}", archive=WHOLE), rows)

    text = page(Report(made, gathering))

    assert text.count("not known") == 5  # three times the whole archive's
    assert "A question mark is a cost that is not known." in text
    assert "0.00 USD" not in text
    assert "<td>0.00</td>" not in text


def test_what_a_failure_has_cost_is_in_the_sum_of_its_show():
    rows = [
        builders.row("a/1", cost_usd=1.5, run_id="run1"),
        builders.row("a/2", State.FAILED, reason="suspect_again", cost_usd=2.25, run_id="run1"),
    ]
    made, gathering = finished(MemoryStorage(), facts("run1", archive=WHOLE), rows)

    ((show,), _, _) = gathering.shows.largest(2)
    assert (show.cost_usd, show.run_cost_usd) == (made.totals.cost_usd, made.this_run.cost_usd) == (3.75, 3.75)
