"""What was done when, in constant memory: bins that grow wider as a run lasts longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MOST_BINS = 96  # so many columns can still be told apart on a telephone
_WIDTHS_S = (
    1,
    5,
    10,
    30,
    60,
    300,
    600,
    1800,
    3600,
    7200,
    21600,
    86400,
)  # each a multiple of the one before, to be joined


@dataclass(slots=True)
class Bin:
    """What was settled in one stretch of time."""

    done: int = 0
    failed: int = 0
    """Failed or uncertain."""
    audio_s: float = 0.0

    def join(self, other: Bin) -> None:
        """Adds another one to this."""
        self.done += other.done
        self.failed += other.failed
        self.audio_s += other.audio_s


class Timeline:
    """Bins from the beginning of a run on. What a slow clock has dated before it counts at the beginning."""

    def __init__(self, started_at: datetime) -> None:
        self.started_at = started_at
        self.width_s = _WIDTHS_S[0]
        self.bins: list[Bin] = []

    def add(self, at: datetime, audio_s: float, *, is_done: bool) -> None:
        """Counts an object that was settled at this moment."""
        after_s = max(0.0, (at - self.started_at).total_seconds())
        while after_s // self.width_s >= MOST_BINS:
            self._widen()
        index = int(after_s // self.width_s)
        self.bins += [Bin() for _ in range(index + 1 - len(self.bins))]
        self.bins[index].join(Bin(int(is_done), int(not is_done), audio_s if is_done else 0.0))

    def _widen(self) -> None:
        wider = next((width for width in _WIDTHS_S if width > self.width_s), self.width_s * 2)
        together = wider // self.width_s
        joined = [Bin() for _ in range(-(-len(self.bins) // together))]
        for index, one in enumerate(self.bins):
            joined[index // together].join(one)
        self.bins, self.width_s = joined, wider
