"""What a backfill of a plan will take: hours of audio, fal's price, S3's requests and their price, and time. Pure.

    decisions ─────────────────────▶ Decided (sums) ────────────┐
    rows of the last ─▶ KnownLengths ──▲                        ├─▶ forecast ─▶ Forecast
      manifest ───────▶ Experience (bit rates, speed of fal) ───┘

Nothing here grows with the archive (I6). What was measured counts before what is configured.
"""

from pipeline.forecast.decided import Decided
from pipeline.forecast.estimating import Audio, Forecast, TimeNeeded, forecast
from pipeline.forecast.experience import Experience
from pipeline.forecast.interval import Interval
from pipeline.forecast.lengths import KnownLengths
from pipeline.forecast.requests import FAL_DOWNLOAD, PER_FORMAT, PER_JOB

__all__ = [
    "FAL_DOWNLOAD",
    "PER_FORMAT",
    "PER_JOB",
    "Audio",
    "Decided",
    "Experience",
    "Forecast",
    "Interval",
    "KnownLengths",
    "TimeNeeded",
    "forecast",
]
