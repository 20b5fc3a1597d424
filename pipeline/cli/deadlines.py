"""--until: from when on nothing new is submitted, and what is said when something was left because of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from pipeline.cli.ceilings import how_far
from pipeline.cli.outcome import Outcome
from pipeline.models import Price
from pipeline.nights import next_moment
from pipeline.settings.nights import NightSettings

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


def _clock(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _CLOCK.fullmatch(value):
        raise click.BadParameter(f"{value!r} is no time of a clock; write it as 06:00, from 00:00 to 23:59.")
    return value


def _zone(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise click.BadParameter(f"{value!r} is no time zone; write it as Europe/Berlin.") from None
    return value


def deadline_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--until and --time-zone."""
    for option in (
        click.option(
            "--time-zone",
            callback=_zone,
            metavar="NAME",
            help="Whose clock --until means, as Europe/Berlin. Otherwise that of night.time_zone.",
        ),
        click.option(
            "--until",
            callback=_clock,
            metavar="HH:MM",
            help="From the next moment on at which the clock shows it submit nothing new. What fal has accepted is "
            "awaited, the rest is pending in the manifest, and the command ends with 6.",
        ),
    ):
        command = option(command)
    return command


def deadline_of(
    night: NightSettings, options: Mapping[str, Any], begins_at: datetime, *, otherwise: str = ""
) -> datetime | None:
    """The instant that the options mean, in UTC; `otherwise` is the clock time where they name none, or empty: none.

    Raises `click.UsageError` for a time zone without a time.
    """
    clock = options["until"] or otherwise
    if not clock:
        if options["time_zone"]:
            raise click.UsageError("--time-zone says whose clock --until means, and there is no --until.")
        return None
    return next_moment(clock, options["time_zone"] or night.time_zone, begins_at).astimezone(UTC)


def stopped_by_time(outcome: Outcome, deadline: datetime, price: Price | None) -> str:
    """What a run says that has left something because of its deadline."""
    return (
        f"The time of run {outcome.run_id} was over at {deadline:%Y-%m-%d %H:%M} UTC; what fal had accepted was "
        f"awaited. {how_far(outcome, price)} The next run goes on with them."
    )
