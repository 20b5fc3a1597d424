"""What the live view shows, at several widths: the facts are there, and nothing is wider than the terminal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipeline.cli.watching.bars import DONE, OPEN, at_clock, lasting, sparkline, stacked
from pipeline.limits.base import PermitUse
from pipeline.models import Phase
from pipeline.runs.base import AtWork, StopOrder, WorkerSummary

WIDTHS = [60, 80, 120, 200]


def joined(lines):
    """Words as they are read, whatever line they stand on."""
    return " ".join(" ".join(lines).replace("│", " ").split())


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_is_shown_whole_at_every_width(make, width):
    budget = {"ceiling_usd": 10.0, "spent_usd": 1.2345, "reserved_usd": 0.4}
    seen = make.tick(make.run(make.progress(**budget)), permits=PermitUse(3, 4, 8))

    lines = make.drawn(seen, width)

    assert max(map(cell_len, lines)) <= width
    text = joined(lines)
    for fact in (
        "s3://podcasts/shows/", "transcribing fal-ai/whisper", "58 %", "170 done", "3 failed", "2 uncertain",
        "8 in work", "117 queued", "4 suspect", "20 skipped", "34.0 h/h", "34.00 h", "1.23 of 10.00 USD",
        "0.4000 reserved", "about 45:00 left, until", "permits 3 of 4 (lowered from 8)", "workers 2 (8 of 16 busy)",
        "w1@here 6/8 ep1.mp3 0:34", "not_audio", "submit_reply_lost",
    ):  # fmt: skip
        assert fact in text, fact


def test_foreign_text_neither_moves_the_cursor_nor_is_taken_for_markup(make):
    work = AtWork("s3://b/[bold]x\x1b[2J\u202e.mp3", make.now().timestamp())
    seen = make.tick(make.run(make.progress()), workers=(WorkerSummary("[red]w\x07", 8, 1, at_work=(work,)),))

    text = "\n".join(make.drawn(seen, 150))

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]w\\x07" in text
    assert "[bold]x\\x1b[2J\\u202e.mp3 0:00" in text
    assert "[red]No[/] audio" in text
    assert "ünusual\\x1b[31m.mp3" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_a_stop_order_says_why_and_what_to_do(make, width):
    order = StopOrder("account", "fal refuses the key.")
    lines = make.drawn(make.tick(make.run(make.progress()), stop_order=order), width)

    assert "fal refuses the key. Nothing is submitted. Mend the account at fal" in joined(lines)
    assert max(map(cell_len, lines)) <= width


def test_a_dispatcher_that_died_is_shown_with_what_to_do(make):
    told = make.progress(updated_at=make.now() - timedelta(seconds=75))
    text = joined(make.drawn(make.tick(make.run(told, alive=False)), 60))

    assert "abandoned" in text
    assert "Its dispatcher is gone: workers finish what was sent; start the same command again to go on." in text
    assert "Last heard 1:15 ago" in text
    assert "until" not in text  # nobody knows when it ends


def test_a_missing_and_a_stuck_worker_are_shown(make):
    none = joined(make.drawn(make.tick(make.run(make.progress()), workers=())))
    stuck = joined(make.drawn(make.tick(make.run(make.progress()), workers=(WorkerSummary("w", 8, 0, is_stuck=True),))))

    assert "No worker is alive: start one with make worker." in none
    assert "takes no jobs any more: restart it" in stuck


def test_redis_away_is_shown_over_what_was_seen_last(make):
    seen = make.tick(make.run(make.progress()), trouble="The server at r:6379 does not answer.")
    text = joined(make.drawn(seen))

    assert "Redis is away" in text
    assert "The server at r:6379 does not answer." in text
    assert "170 done" in text


def test_without_a_run_it_says_so_and_how_the_last_one_ended(make):
    ended = make.progress(phase=Phase.STOPPED, said="The ceiling of run 1 is reached.", outstanding=0)
    text = joined(make.drawn(make.tick(make.run(ended, is_noted=False))))

    assert "No run is open; this waits for the next one." in text
    assert "stopped after 1:00:00: 170 done, 3 failed, 2 uncertain" in text
    assert "The ceiling of run 1 is reached." in text


def test_while_it_plans_no_share_is_told(make):
    text = joined(make.drawn(make.tick(make.run(make.progress(phase=Phase.PLANNING, left_s=None)))))

    assert "planning" in text
    assert "%" not in text
    assert "not yet known" in text


@pytest.mark.parametrize("height", [24, 40])
def test_many_workers_and_failures_stay_within_the_terminal(make, height):
    workers = tuple(WorkerSummary(f"w{number}", 8, number % 8) for number in range(200))
    seen = make.tick(make.run(make.progress(troubles=make.progress().troubles * 5)), workers=workers)

    lines = make.drawn(seen, 120, height)

    assert len(lines) <= height
    assert "more" in joined(lines)


def test_many_runs_are_shown_the_newest_first(make):
    runs = [make.run(make.progress(), run_id=f"2026112{number}T000000Z-aaaaaa") for number in range(5)]
    text = joined(make.drawn(make.tick(*runs), 100))

    assert text.index("20261124T000000Z") < text.index("20261123T000000Z")
    assert text.count("transcribing, 125 outstanding") == 3


def test_a_sparkline_grows_with_each_look_at_a_run(make):
    seen = make.tick(make.run(make.progress()))

    assert "█" * 7 in joined(make.drawn(seen, times=7))
    assert "█" * 8 not in joined(make.drawn(seen, times=7))


numbers = st.lists(st.integers(0, 10**6), min_size=1, max_size=6)


@given(found=numbers, width=st.integers(6, 200))
def test_a_bar_is_as_wide_as_asked_and_shows_whatever_is_not_zero(found, width):
    bar = stacked([(number, chr(ord("a") + place), "") for place, number in enumerate(found)], width)

    assert bar.cell_len == width
    if any(found):
        assert {chr(ord("a") + place) for place, number in enumerate(found) if number} == set(bar.plain)


def test_a_bar_is_divided_by_its_numbers():
    assert stacked([(3, DONE, ""), (1, OPEN, "")], 8).plain == DONE * 6 + OPEN * 2
    assert stacked([(0, DONE, ""), (0, OPEN, "")], 4).plain == OPEN * 4


@pytest.mark.parametrize(
    ("figures", "shown"), [([], ""), ([0, 0], "▁▁"), ([0, 1, 2], "▁▅█"), ([9, 1, 2], "▅█"), ([-1, 4], "▁█")]
)
def test_a_sparkline_is_of_the_last_figures(figures, shown):
    assert sparkline(figures, 2 if figures == [9, 1, 2] else 3) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"),
        (-3, "0:00"),
        (754.4, "12:34"),
        (3723, "1:02:03"),
        (86_400, "1 day 0:00:00"),
        (2e5, "2 days 7:33:20"),
    ],
)
def test_a_time_is_told_as_people_do(seconds, shown):
    assert lasting(seconds) == shown


def test_another_day_is_told_with_the_clock(make):
    today = make.now().astimezone().replace(hour=12)

    assert at_clock(today, today) == f"{today:%H:%M}"
    assert at_clock(today + timedelta(days=1), today) == f"{today + timedelta(days=1):%a %d %b, %H:%M}"
