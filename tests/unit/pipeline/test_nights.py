"""Every local date of every time zone has one night, whatever its clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.nights import last_moment, next_moment

ZONES = st.sampled_from(sorted(available_timezones()))
CLOCKS = st.times().map(lambda time: f"{time:%H:%M}")
INSTANTS = st.datetimes(datetime(1850, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
RECENT = st.datetimes(datetime(2000, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001

# The night before the change in UTC, and the clock: spring, autumn; half an hour; at midnight; a day that was skipped.
CHANGES = st.sampled_from([
    ("Europe/Berlin", datetime(2026, 3, 28, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 24, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 2, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 3, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 7, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 10, 31, tzinfo=UTC)),
    ("America/St_Johns", datetime(2006, 10, 28, tzinfo=UTC)),
    ("America/Toronto", datetime(1919, 3, 29, tzinfo=UTC)),
    ("Pacific/Apia", datetime(2011, 12, 28, tzinfo=UTC)),
    ("Pacific/Kwajalein", datetime(1993, 8, 20, tzinfo=UTC)),
    ("America/Sitka", datetime(1867, 10, 16, tzinfo=UTC)),
])  # fmt: skip


def moments(clock: str, zone: str, after: datetime, count: int) -> list[datetime]:
    found = [next_moment(clock, zone, after)]
    while len(found) < count:
        found.append(next_moment(clock, zone, found[-1]))
    return found


def by_the_minute(clock: str, zone: str, since: datetime, until: datetime) -> list[datetime]:
    """The rule, done naively: walks through time, and looks at the wall at each minute. A date's first time counts."""
    begun: dict[date, datetime] = {}
    seen: set[date] = set()
    instant = since
    waiting: list[date] = []
    while instant < until:
        shown = instant.astimezone(ZoneInfo(zone))
        if shown.date() not in seen:
            seen.add(shown.date())
            waiting.append(shown.date())
        for day in tuple(waiting):
            if (shown.date(), f"{shown:%H:%M}") >= (day, clock):
                begun[day] = instant
                waiting.remove(day)
        instant += timedelta(minutes=1)
    return sorted(begun.values())


@given(ZONES, CLOCKS, INSTANTS)
def test_the_next_moment_is_later_and_none_lies_between(zone, clock, after):
    following = next_moment(clock, zone, after)

    assert following > after
    assert last_moment(clock, zone, following) == following
    assert last_moment(clock, zone, following - timedelta(microseconds=1)) <= after


@given(ZONES, CLOCKS, RECENT)
def test_the_wall_shows_the_time_or_has_just_skipped_it(zone, clock, after):
    moment = next_moment(clock, zone, after)
    shown, before = (instant.astimezone(ZoneInfo(zone)) for instant in (moment, moment - timedelta(microseconds=1)))

    if f"{shown:%H:%M:%S}" != f"{clock}:00":
        leap = shown.utcoffset() - before.utcoffset()
        assert leap > timedelta(0)
        asked = datetime.combine(before.date(), datetime.strptime(clock, "%H:%M").time())  # noqa: DTZ007
        asked += timedelta(days=asked < before.replace(tzinfo=None))
        assert before.replace(tzinfo=None) < asked < shown.replace(tzinfo=None)


@given(st.one_of(ZONES.flatmap(lambda zone: st.tuples(st.just(zone), RECENT)), CHANGES), CLOCKS)
def test_nights_are_a_day_apart_but_for_what_the_clock_was_moved(place, clock):
    zone, since = place
    for one, other in pairwise(moments(clock, zone, since, 5)):
        offsets = [
            instant.astimezone(ZoneInfo(zone)).utcoffset() for instant in (one - timedelta(minutes=1), one, other)
        ]
        moved = max(offsets) - min(offsets)
        assert one < other
        # A day that the clocks skipped or showed twice moves the date, too: a whole day of offset, none of the night.
        assert abs(other - one - timedelta(days=1)) <= moved


@given(st.sampled_from(["Europe/Berlin", "America/New_York", "America/Santiago"]), CLOCKS, RECENT)
def test_where_clocks_move_by_an_hour_nights_have_23_to_25_hours(zone, clock, since):
    for one, other in pairwise(moments(clock, zone, since, 3)):
        assert timedelta(hours=23) <= other - one <= timedelta(hours=25)


@given(CHANGES, CLOCKS)
def test_around_each_change_the_nights_are_those_that_somebody_finds_who_watches_the_clock(change, clock):
    zone, since = change
    until = since + timedelta(days=5)

    watched = [moment for moment in by_the_minute(clock, zone, since - timedelta(days=2), until) if moment > since]
    found = [moment for moment in moments(clock, zone, since, 8) if moment < until - timedelta(minutes=1)]

    # Who looks once a minute sees a change within a minute (local mean times had odd seconds).
    assert len(found) == len([moment for moment in watched if moment < until - timedelta(minutes=1)])
    assert all(abs(one - other) < timedelta(minutes=1) for one, other in zip(found, watched, strict=False))


@pytest.mark.parametrize(
    ("zone", "since", "expected"),
    [
        ("UTC", "2026-03-28T12:00", ["2026-03-29T02:15", "2026-03-30T02:15"]),
        # In spring 2:00 is followed by 3:00: the first instant after the gap. A night of 23 hours before midnight.
        ("Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:15"]),
        # In autumn 2:15 comes twice: once, at its first.
        ("Europe/Berlin", "2026-10-24T12:00", ["2026-10-25T00:15", "2026-10-26T01:15"]),
        # Lord Howe moves by half an hour: 2:00 is followed by 2:30.
        ("Australia/Lord_Howe", "2026-10-03T12:00", ["2026-10-03T15:30", "2026-10-04T15:15"]),
        # Samoa had no 30 December 2011.
        ("Pacific/Apia", "2011-12-28T13:00", ["2011-12-29T12:15", "2011-12-30T12:15", "2011-12-31T12:15"]),
    ],
)
def test_a_quarter_past_two(zone, since, expected):
    after = datetime.fromisoformat(f"{since}+00:00")

    assert moments("02:15", zone, after, len(expected)) == [
        datetime.fromisoformat(f"{moment}+00:00") for moment in expected
    ]
