"""The moments at which a night is due, as Celery asks for them.

Celery's own crontab has run twice or never where clocks are put forward or back (celery #1604, #6438), so the schedule
is ours: `pipeline.nights` knows the moments.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from celery.schedules import BaseSchedule

from pipeline.nights import next_moment


class Nightly(BaseSchedule):  # type: ignore[misc]  # Celery ships no types
    """Due once for each local date, at `clock` (HH:MM) on the wall of `zone`."""

    def __init__(self, clock: str, zone: str, **options: Any) -> None:
        super().__init__(**options)
        self.clock = clock
        self.zone = zone

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        """The time from now to the start that follows `last_run_at`; negative when that was missed."""
        return next_moment(self.clock, self.zone, self._aware(last_run_at)) - self._now()

    def is_due(self, last_run_at: datetime) -> tuple[bool, float]:
        """Whether a start lies between `last_run_at` and now, and in how many seconds to look again."""
        now = self._now()
        following = next_moment(self.clock, self.zone, self._aware(last_run_at))
        if following > now:
            return False, (following - now).total_seconds()
        return True, (next_moment(self.clock, self.zone, now) - now).total_seconds()

    def _now(self) -> datetime:
        return self._aware(self.now())

    def _aware(self, instant: datetime) -> datetime:
        aware: datetime = self.maybe_make_aware(instant)
        return aware.astimezone(UTC)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Nightly) and (self.clock, self.zone) == (other.clock, other.zone)

    def __hash__(self) -> int:
        return hash((self.clock, self.zone))

    def __repr__(self) -> str:
        return f"<every night at {self.clock} {self.zone}>"

    def __reduce__(self) -> tuple[type[Nightly], tuple[str, str]]:
        return type(self), (self.clock, self.zone)  # beat keeps it in its file
