"""When a night begins or ends: the moments at which a clock on the wall of a time zone shows a time. Pure.

Every local date has exactly one such moment, also where the zone's clocks are put forward or back:

| the clock                  | the moment                                                      |
|----------------------------|-----------------------------------------------------------------|
| shows the time once        | then                                                            |
| shows it twice (autumn)    | the first of the two                                            |
| skips it (spring)          | the first instant after the gap                                 |
| skips the whole date       | none: on that date nobody had a night (Samoa, 30 December 2011) |
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_A_DAY = timedelta(days=1)
_A_SECOND = timedelta(seconds=1)  # no zone has changed its clock within a second
# A gap of a day moves a moment to the next date, a repeated day one to the date before: two days each way hold both.
_DAYS_AROUND = 2


def next_moment(clock: str, zone: str, after: datetime) -> datetime:
    """The first moment of `clock` (HH:MM) in `zone` (an IANA name) that is later than `after`, in UTC.

    `after` bears a time zone. Raises `ValueError` for a clock that is no time, `ZoneInfoNotFoundError` for a zone that
    is none.
    """
    return min(moment for moment in _moments_around(clock, zone, after) if moment > after)


def last_moment(clock: str, zone: str, before: datetime) -> datetime:
    """The last moment of `clock` in `zone` that is not later than `before`, in UTC. Otherwise as `next_moment`."""
    return max(moment for moment in _moments_around(clock, zone, before) if moment <= before)


def _moments_around(clock: str, zone: str, instant: datetime) -> Iterator[datetime]:
    wall, there = time.fromisoformat(clock), ZoneInfo(zone)
    today = instant.astimezone(there).date()
    for days in range(-_DAYS_AROUND, _DAYS_AROUND + 1):
        day = today + days * _A_DAY
        if _exists(day, there):
            yield _moment(datetime.combine(day, wall), there)


def _exists(day: date, zone: ZoneInfo) -> bool:
    return _shown(_moment(datetime.combine(day, time.min), zone), zone).date() == day


def _moment(shown: datetime, zone: ZoneInfo) -> datetime:
    """The first instant, in UTC, at which the clock of `zone` shows `shown` (naive) or, if that is skipped, later."""
    # Of a time that is shown twice, Python takes the first (fold=0). Of one that is skipped, it makes two instants, one
    # on either side of the leap of the clock.
    late = shown.replace(tzinfo=zone).astimezone(UTC)
    if _shown(late, zone) == shown:
        return late
    early = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while late - early > _A_SECOND:
        middle = early + (late - early) // (2 * _A_SECOND) * _A_SECOND
        if _shown(middle, zone) < shown:
            early = middle
        else:
            late = middle
    return late


def _shown(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)
