"""Scales that people read without thinking."""

from __future__ import annotations

import math

_STEPS = (1, 2, 3, 4, 5, 6, 8, 10)


def nice_ceiling(highest: float) -> float:
    """The next round number that is not below: the top of a scale. 1 where there is nothing to show."""
    if not highest > 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(highest))
    return next(step * unit for step in _STEPS if step * unit >= highest * (1 - 1e-9))
