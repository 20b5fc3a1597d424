"""What the exporter reads in Redis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.metrics.live import Live
from pipeline.settings import Settings
from pipeline.wiring.live import for_a_glance
from pipeline.wiring.redis import make_budget, make_client, make_meter_book, make_permits, make_queue_watch, make_runs


@dataclass(frozen=True, slots=True)
class MetricsParts:
    """What is read, and how it is closed."""

    live: Live
    close: Callable[[], None]


def open_metrics(settings: Settings) -> MetricsParts:
    """The live state for scrapes, which do not wait for a server that is away. The caller closes it."""
    settings = for_a_glance(settings)
    client = make_client(settings)
    live = Live(
        runs=make_runs(settings, client),
        permits=make_permits(settings, client),
        budget=make_budget(settings, client),
        queue=make_queue_watch(settings, client),
        meter_book=make_meter_book(settings, client),
    )
    return MetricsParts(live, client.close)
