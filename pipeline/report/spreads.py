"""Distributions in constant memory: counts in bins that are fixed, and quantiles that are right to two percent."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

_STEP = math.log(1.02)  # neighbouring bins of a quantile differ by two percent, which nobody sees


class Spread:
    """How amounts are spread. `edges` are the inner edges of the bins: one bin more than there are edges."""

    def __init__(self, edges: Sequence[float]) -> None:
        self.edges = tuple(edges)
        self.bins = [0] * (len(self.edges) + 1)
        self.count = 0
        self._fine: Counter[int] = Counter()

    def add(self, amount: float) -> None:
        """Counts an amount of 0 or more; an edge belongs to the bin above it."""
        self.count += 1
        self.bins[bisect_right(self.edges, amount)] += 1
        # A millisecond and 30 years bound how many bins there can be.
        self._fine[round(math.log(min(max(amount, 1e-3), 1e9)) / _STEP)] += 1

    def quantile(self, share: float) -> float | None:
        """The amount below which this share of all lies; None where nothing was counted."""
        seen = 0
        for step in sorted(self._fine):
            seen += self._fine[step]
            if seen >= share * self.count:
                return math.exp(step * _STEP)
        return None
