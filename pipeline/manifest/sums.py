"""Sums over the rows of a manifest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipeline.models import RememberedRow, State, Totals


@dataclass(slots=True)
class Sums:
    """Adds up rows, a million of them in a second or two."""

    by_state: Counter[str] = field(default_factory=Counter)
    by_reason: Counter[str] = field(default_factory=Counter)
    size_bytes: int = 0
    audio_s: float = 0.0
    words: int = 0
    cost_usd: float = 0.0
    cost_unknown: int = 0
    suspect: int = 0

    def add(self, row: RememberedRow) -> None:
        """Adds a row."""
        self.by_state[row.state.value] += 1
        if row.reason is not None:
            self.by_reason[row.reason] += 1
        self.size_bytes += row.size_bytes
        self.words += row.words or 0
        self.cost_usd += row.cost_usd or 0.0
        if row.state is State.DONE:
            self.audio_s += row.duration_s or 0.0
            self.cost_unknown += row.cost_usd is None
            self.suspect += bool(row.suspect)

    def totals(self) -> Totals:
        """What they come to."""
        return Totals(
            objects=self.by_state.total(),
            by_state=dict(self.by_state),
            by_reason=dict(self.by_reason),
            size_bytes=self.size_bytes,
            audio_s=round(self.audio_s, 3),
            words=self.words,
            cost_usd=round(self.cost_usd, 9),
            cost_unknown=self.cost_unknown,
            suspect=self.suspect,
        )
