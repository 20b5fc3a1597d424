"""What did not become a transcript: counted by reason, with examples; of this run first, then of runs before."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from pipeline.models import RememberedRow, State

_REASONS = 200  # counted apart; our own and fal's are fewer than a hundred
_EXAMPLES = 3
OTHER_REASONS = "other reasons"


class Told(msgspec.Struct, gc=False):
    """Of a row what a report tells of single objects."""

    bucket: str
    key: str
    state: State
    reason: str | None = None
    message: str | None = None
    permanent: bool = False
    run_id: str | None = None
    duration_s: float | None = None
    processing_s: float | None = None
    sidecar_key: str | None = None
    settled_at: datetime | None = None
    suspect: tuple[str, ...] = ()


_decode = msgspec.json.Decoder(Told).decode


def told(row: RememberedRow) -> Told:
    """The row. Raises `ValueError` on one that is none."""
    return _decode(row.line)


@dataclass(slots=True)
class Trouble:
    """The objects of one state and reason."""

    state: State
    reason: str
    of_run: int = 0
    in_all: int = 0
    examples: list[Told] = field(default_factory=list)

    @property
    def is_permanent(self) -> bool:
        """Whether objects themselves are at fault, as far as the examples tell."""
        return any(example.permanent for example in self.examples)


class Troubles:
    """All that failed, is uncertain, was left out or waits, by state and reason."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._troubles: dict[tuple[State, str], Trouble] = {}

    def add(self, row: RememberedRow) -> None:
        """Counts a row that is no transcript."""
        of_run = row.run_id == self._run_id
        trouble = self._of(row.state, row.reason or "no reason given")
        trouble.in_all += 1
        trouble.of_run += of_run
        if len(trouble.examples) < _EXAMPLES:
            trouble.examples.append(told(row))
        elif of_run:
            for place, example in enumerate(trouble.examples):
                if example.run_id != self._run_id:
                    trouble.examples[place] = told(row)
                    break

    def most(self, *states: State) -> list[Trouble]:
        """Those of these states, the most frequent of this run first."""
        chosen = [trouble for trouble in self._troubles.values() if trouble.state in states]
        return sorted(chosen, key=lambda one: (-one.of_run, -one.in_all, one.reason))

    def _of(self, state: State, reason: str) -> Trouble:
        if (state, reason) not in self._troubles and len(self._troubles) >= _REASONS:
            reason = OTHER_REASONS
        return self._troubles.setdefault((state, reason), Trouble(state, reason))


class Suspects:
    """The most doubtful transcripts of this run: those with the most findings, then the longest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[int, float, int, Told]] = []
        self.count = 0
        self.by_finding: dict[str, int] = {}

    def add(self, row: Told) -> None:
        """Counts a suspect transcript."""
        self.count += 1
        for name in row.suspect:
            if name in self.by_finding or len(self.by_finding) < _REASONS:
                self.by_finding[name] = self.by_finding.get(name, 0) + 1
        entry = (len(row.suspect), row.duration_s or 0.0, -self.count, row)
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappushpop(self._heap, entry)

    def worst(self) -> list[Told]:
        """The most doubtful ones, the worst first."""
        return [entry[-1] for entry in sorted(self._heap, reverse=True)]
