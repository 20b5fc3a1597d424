"""Meters: what workers count and measure as they go, gathered in memory until a heartbeat takes it to Redis.

Cheap (a lock and a few additions), thread-safe, and bounded: labels come from small sets, and what looks like anything
else is `other`. No key of an object and no URL can be a label (I9).
"""

from __future__ import annotations

import math
import re
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

Series = tuple[str, ...]
"""The name of a meter, a value for each of its labels, and a part: `TOTAL` of a counter; of a histogram `SUM`, or the
upper bound of one bucket, as text."""
Gathered = Mapping[Series, float]
"""What each series has grown by, or has come to."""

TOTAL, SUM = "total", "sum"

# Episodes take seconds to minutes, a day's recording on a slow model hours; in steps of about two.
_JOB_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14_400.0)
# Nobody notices a tenth of a second; hours are what a night with two permits looks like.
_WAIT_S = (0.1, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0)

OTHER = "other"
MOST_VALUES = 200
"""Of one label: our reasons and fal's error types together are half as many."""

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*")
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class Meter:
    """A counter; with `buckets` (upper bounds, rising) a histogram. Names and labels as Prometheus writes them."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


FAL_ANSWERS = Meter(
    "nightscribe_fal_answers_total",
    "Answers of fal to calls of workers; class none is a call without an answer.",
    ("call", "class"),
)
FAL_QUEUE_S = Meter(
    "nightscribe_fal_queue_seconds",
    "From a submission to the begin of its running, by fal's own measure and the looks of workers.",
    ("model",),
    _JOB_S,
)
FAL_RUN_S = Meter(
    "nightscribe_fal_run_seconds",
    "The running of requests by fal's own measure; where fal gives none, from the first look that found it running.",
    ("model",),
    _JOB_S,
)
FAL_SERVICE_S = Meter(
    "nightscribe_fal_service_seconds",
    "From a submission to the look that found the request completed.",
    ("model",),
    _JOB_S,
)
PERMIT_WAIT_S = Meter("nightscribe_permit_wait_seconds", "The waits of jobs for their permit.", (), _WAIT_S)
RATE_WAIT_S = Meter(
    "nightscribe_rate_wait_seconds", "The waits of submissions for their turn in the rate.", (), _WAIT_S
)
SLOW_DOWNS = Meter("nightscribe_slow_downs_total", "How often fal's answer (429, 5xx) made all workers gentler.")
SETTLED = Meter(
    "nightscribe_settled_jobs_total",
    "Jobs that workers have settled; reason is empty for a plain success.",
    ("model", "state", "reason"),
)
SETTLED_AUDIO_S = Meter(
    "nightscribe_settled_audio_seconds_total", "Seconds of audio of the transcripts that were settled.", ("model",)
)
SETTLED_USD = Meter(
    "nightscribe_settled_cost_usd_total",
    "US dollars that settled jobs have cost, by the prices that are known.",
    ("model",),
)
PUT_OFFS = Meter(
    "nightscribe_put_offs_total",
    "Jobs that were given back to be tried later, by the reason for it; each is a retry in Flower.",
    ("reason",),
)

METERS = (
    FAL_ANSWERS,
    FAL_QUEUE_S,
    FAL_RUN_S,
    FAL_SERVICE_S,
    PERMIT_WAIT_S,
    RATE_WAIT_S,
    SLOW_DOWNS,
    SETTLED,
    SETTLED_AUDIO_S,
    SETTLED_USD,
    PUT_OFFS,
)
"""All of them: what is not here reaches no exporter."""


def as_label(text: str) -> str:
    """The text when it looks like the name of a reason, a call or a model; `other` for anything else."""
    return text if len(text) <= _LONGEST and _LABEL.fullmatch(text) else OTHER


class Meters:
    """What one process has counted since it was last asked. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grown: defaultdict[Series, float] = defaultdict(float)
        self._known: defaultdict[tuple[str, int], set[str]] = defaultdict(set)

    def count(self, meter: Meter, *labels: str, by: float = 1.0) -> None:
        """Adds to a counter; `by` is not negative."""
        with self._lock:
            self._grown[self._series(meter, labels, TOTAL)] += by

    def observe(self, meter: Meter, value: float, *labels: str) -> None:
        """Puts a value into its bucket of a histogram: that of the lowest bound which is not below it."""
        place = bisect_left(meter.buckets, value)
        bound = meter.buckets[place] if place < len(meter.buckets) else math.inf
        with self._lock:
            self._grown[self._series(meter, labels, repr(bound))] += 1
            self._grown[self._series(meter, labels, SUM)] += value

    def take(self) -> Gathered:
        """All that has been gathered, which is gone from here."""
        with self._lock:
            taken, self._grown = self._grown, defaultdict(float)
        return taken

    def put_back(self, gathered: Gathered) -> None:
        """What was taken and could not be handed on."""
        with self._lock:
            for series, amount in gathered.items():
                self._grown[series] += amount

    def _series(self, meter: Meter, labels: tuple[str, ...], part: str) -> Series:
        if len(labels) != len(meter.labels):
            raise ValueError(f"{meter.name} has the labels {meter.labels}, not {labels}")
        return (meter.name, *(self._tidy(meter, *label) for label in enumerate(labels)), part)

    def _tidy(self, meter: Meter, place: int, value: str) -> str:
        known = self._known[meter.name, place]
        if value in known or not value:
            return value
        if (label := as_label(value)) is OTHER or len(known) >= MOST_VALUES:
            return OTHER
        known.add(label)
        return label
