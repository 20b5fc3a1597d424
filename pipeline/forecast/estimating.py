"""From sums and experience to a forecast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pipeline import pricing
from pipeline.forecast.decided import Decided, Sizes
from pipeline.forecast.experience import Experience
from pipeline.forecast.interval import NOTHING, Interval
from pipeline.forecast.requests import RunWork, requests_of_run
from pipeline.models import Manifest
from pipeline.settings import Settings

_ASSUMED_WITHIN = 2.0  # bit rates of spoken word lie between half and twice the assumed one


@dataclass(frozen=True, slots=True)
class Spent:
    """Audio, and fal's price for it."""

    jobs: int
    size_bytes: int
    audio_s: Interval
    cost_usd: Interval | None
    """None when no price is configured."""


@dataclass(frozen=True, slots=True)
class TimeNeeded:
    """How long the run takes, and why."""

    takes_s: Interval
    speed: float
    """How much faster than listening one request is."""
    at_once: int
    """Requests in flight."""
    basis: str


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a backfill will take."""

    total: Spent
    again: Spent
    """Of it, what was paid for before."""
    audio_basis: str
    cost_basis: str
    requests: Counter[str]
    """To S3, by method."""
    requests_usd: float
    download_usd: float
    """What the store charges for fal's downloads."""
    time: TimeNeeded
