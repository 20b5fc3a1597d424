"""A sample: one number of one family, as every reader here gives it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from pipeline.meters import MOST_VALUES, OTHER, as_label


class Sample(NamedTuple):
    """A value under its family's name, with a text for each of the family's labels, in their order."""

    name: str
    labels: tuple[str, ...]
    value: float


def sample(name: str, value: float, *labels: str) -> Sample:
    """A sample of the family `nightscribe_NAME`."""
    return Sample(f"nightscribe_{name}", labels, float(value))


def by_reason(numbers: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counts by reason, in order. Some are words of fal: what is no name, or one too many, counts as `other`."""
    named: Counter[str] = Counter()
    for reason, number in numbers.items():
        named[as_label(reason)] += number
    most = dict(named.most_common(MOST_VALUES))
    if rest := named.total() - sum(most.values()):
        most[OTHER] = most.get(OTHER, 0) + rest
    return sorted(most.items())
