"""When beat begins a night, and what it remembers. Its moments are judged in test_nights.py."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta

import pytest
from builders import settings
from celery import Celery
from hypothesis import given
from hypothesis import strategies as st

from pipeline.nights import next_moment
from workers.beat import NightScheduler, beat_options, nights_queue, queues
from workers.schedule import Nightly

INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
BERLIN = ("02:15", "Europe/Berlin")


def nightly(now, place=BERLIN):
    return Nightly(*place, nowfun=lambda: now)


def at(text):
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("last", "now", "is_due"),
    [
        ("2026-11-22T01:15:00", "2026-11-23T01:14:59", False),
        ("2026-11-22T01:15:00", "2026-11-23T01:15:00", True),
        # beat was down over two starts, or over one and much of the day
        ("2026-11-20T01:15:00", "2026-11-23T12:00:00", True),
        # caught up at noon; the next is the next
        ("2026-11-23T12:00:00", "2026-11-23T12:00:01", False),
    ],
)
def test_it_is_due_when_a_start_lies_between_the_last_and_now(last, now, is_due):
    due, look_again_s = nightly(at(now)).is_due(at(last))

    assert due is is_due
    assert at(now) + timedelta(seconds=look_again_s) == next_moment(*BERLIN, at(now))


@given(INSTANTS, st.lists(st.floats(1, 200_000), min_size=1, max_size=40))
def test_a_beat_that_looks_now_and_then_starts_once_per_night_at_most(since, pauses_s):
    """Looks are as irregular as they like: asleep, stopped, late."""
    last, now, starts = since, since, []
    for pause_s in pauses_s:
        now += timedelta(seconds=pause_s)
        if nightly(now).is_due(last)[0]:
            starts.append(now)
            last = now

    nights = [next_moment(*BERLIN, one) for one in [since, *starts]]
    assert nights == sorted(set(nights))  # after each start the next one is of a later night
    assert bool(starts) is (nights[0] <= now)


def test_beat_can_keep_it_in_its_file():
    kept = pickle.loads(pickle.dumps(nightly(at("2026-11-23T12:00:00"))))  # noqa: S301  our own

    assert kept == Nightly(*BERLIN)
    assert hash(kept) == hash(Nightly(*BERLIN))
    assert kept != Nightly("02:16", "Europe/Berlin")
    assert kept != Nightly("02:15", "Europe/Paris")


def test_a_time_without_a_zone_is_utc():
    naive = nightly(at("2026-11-23T01:15:00")).is_due(datetime(2026, 11, 22, 1, 15))  # noqa: DTZ001

    assert naive[0] is True


def test_another_start_is_another_entry_so_that_it_counts_as_never_missed():
    one, other = (
        beat_options(settings(NIGHTSCRIBE_NIGHT_ARCHIVES="/etc/archives.toml", NIGHTSCRIBE_NIGHT_START=start))
        for start in ("02:15", "04:00")
    )

    assert set(one["beat_schedule"]) == {"night at 02:15 UTC"}
    assert set(other["beat_schedule"]) == {"night at 04:00 UTC"}


def test_a_night_has_a_line_in_flower_a_queue_of_its_own_and_an_end(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (entry,) = beat_options(settings(NIGHTSCRIBE_NIGHT_ARCHIVES="archives.toml"))["beat_schedule"].values()

    # The same for a worker that was started in another folder.
    assert entry["args"] == (str(tmp_path / "archives.toml"),)
    assert entry["options"]["argsrepr"] == str(tmp_path / "archives.toml")
    assert entry["options"]["queue"] == nights_queue(settings()) == "transcribe-nights"
    # No start is nearer than 23 hours to the next.
    assert entry["options"]["expires"] < 23 * 3600


def test_beat_sends_nothing_else(tmp_path):
    """Celery has entries of its own."""
    app = Celery("test", set_as_current=False)
    options = beat_options(settings(NIGHTSCRIBE_NIGHT_ARCHIVES="archives.toml"))
    app.conf.update(result_backend=None, timezone="UTC", **options)
    scheduler = NightScheduler(app=app, schedule_filename=str(tmp_path / "state" / "beat"))
    try:
        assert set(scheduler.schedule) == set(options["beat_schedule"])
    finally:
        scheduler.close()


def test_without_archives_there_is_nothing_to_schedule():
    assert beat_options(settings())["beat_schedule"] == {}


def test_a_worker_consumes_jobs_and_nights():
    assert list(queues(settings(NIGHTSCRIBE_QUEUE_NAME="mine"))) == ["mine", "mine-nights"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [("/var/state", "/var/state/nightscribe/beat"), ("", "/home/op/.local/state/nightscribe/beat")],
)
def test_where_beat_remembers(monkeypatch, state, expected):
    monkeypatch.setenv("XDG_STATE_HOME", state)
    monkeypatch.setenv("HOME", "/home/op")

    assert beat_options(settings())["beat_schedule_filename"] == expected
