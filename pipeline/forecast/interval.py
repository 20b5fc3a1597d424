"""A figure that is not known exactly."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """What a figure is likely to be, and between which bounds it lies as far as can be told."""

    low: float
    likely: float
    high: float

    def times(self, factor: float) -> Interval:
        """All three, multiplied."""
        return Interval(self.low * factor, self.likely * factor, self.high * factor)

    def plus(self, other: Interval) -> Interval:
        """The sum, as if both erred in the same direction: never narrower than it should be."""
        return Interval(self.low + other.low, self.likely + other.likely, self.high + other.high)
