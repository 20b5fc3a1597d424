"""Samples in the words of Prometheus. The one file that imports its client."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from pipeline.meters import METERS, SUM, TOTAL, Gathered, Meter, Series
from pipeline.metrics.families import FAMILIES, Family
from pipeline.metrics.samples import Sample

Read = Callable[[], tuple[list[Sample], Gathered | None]]
"""Samples, and the meters; None for those when they are not known, and then nothing is told of them."""

_METERS: Mapping[str, Meter] = {meter.name: meter for meter in METERS}


class Scrape(Collector):
    """Reads anew for every scrape."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that being registered asks nobody."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families, in their order; those without a sample are left out."""
        samples, gathered = self._read()
        values: defaultdict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
        for name, labels, value in samples:
            values[name][labels] = value
        for family in FAMILIES:
            if family.name not in _METERS:
                if found := values.pop(family.name, None):
                    yield _gauge(family, found)
            elif gathered is not None:
                yield _metered(_METERS[family.name], gathered)

    def page(self, accept: str) -> tuple[bytes, str]:
        """The body of an answer and its content type, in the format that is asked for."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


def _gauge(family: Family, values: Mapping[tuple[str, ...], float]) -> Metric:
    metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in values.items():
        metric.add_metric(labels, value)
    return metric


def _metered(meter: Meter, gathered: Gathered) -> Metric:
    """A counter or histogram out of the sums of all workers. One without labels is there before it is first counted."""
    parts: defaultdict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    if not meter.labels:
        parts[()] = {}
    for series, amount in gathered.items():
        if _is_of(meter, series):
            parts[series[1:-1]][series[-1]] = amount
    if not meter.buckets:
        counter = CounterMetricFamily(meter.name, meter.help, labels=meter.labels)
        for labels, found in sorted(parts.items()):
            counter.add_metric(labels, found.get(TOTAL, 0.0))
        return counter
    histogram = HistogramMetricFamily(meter.name, meter.help, labels=meter.labels)
    for labels, found in sorted(parts.items()):
        histogram.add_metric(labels, buckets=cumulated(meter, found), sum_value=found.pop(SUM, 0.0))
    return histogram


def cumulated(meter: Meter, parts: Mapping[str, float]) -> list[tuple[str, float]]:
    """The buckets as Prometheus wants them: each holds all values up to its bound.

    Values that another version has put under other bounds count in the next one above.
    """
    counts = {float(bound): number for bound, number in parts.items() if bound != SUM}
    bounds = (*meter.buckets, math.inf)
    return [
        ("+Inf" if bound == math.inf else repr(bound), sum(n for put, n in counts.items() if put <= bound))
        for bound in bounds
    ]


def _is_of(meter: Meter, series: Series) -> bool:
    """Whether a series is one of this meter, with the labels that it has in this version."""
    return series[0] == meter.name and len(series) == len(meter.labels) + 2
