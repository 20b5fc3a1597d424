"""What a backfill of a plan will take: hours of audio, fal's price, S3's requests and theirs, and time. Pure.

    decisions ─▶ Decided (sums) ─────────┐
    rows of the last manifest            ├─▶ forecast ─▶ Forecast
      ─▶ Experience (bit rates, speed) ──┘

Nothing here grows with the archive (I6). What is measured counts for more than what is configured.
"""

from pipeline.forecast.decided import Decided, Sizes
from pipeline.forecast.estimating import Forecast, LastRun, Spent, TimeNeeded, forecast
from pipeline.forecast.experience import Experience
from pipeline.forecast.interval import Interval
from pipeline.forecast.requests import PER_FORMAT, PER_JOB, requests_of_run

__all__ = [
    "PER_FORMAT",
    "PER_JOB",
    "Decided",
    "Experience",
    "Forecast",
    "Interval",
    "LastRun",
    "Sizes",
    "Spent",
    "TimeNeeded",
    "forecast",
    "requests_of_run",
]
