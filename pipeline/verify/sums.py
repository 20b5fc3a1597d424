"""The totals of a manifest against the sums of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from pipeline.models import Manifest, RememberedRow, State, Totals
from pipeline.verify.differences import Tally
from pipeline.verify.parts import Told


class Adder(Protocol):
    """Adds rows up as the manifest's writer does: only then are sums of fractions equal to the last digit."""

    def add(self, row: RememberedRow, /) -> None:
        """Adds a row."""

    def totals(self) -> Totals:
        """What they come to."""


class RowSums:
    """Adds the rows up while they pass."""

    def __init__(self, manifest: Manifest, new_adder: Callable[[], Adder], tally: Tally) -> None:
        self._manifest = manifest
        self._totals, self._this_run = new_adder(), new_adder()
        self._tally = tally
        self._is_whole = True

    def counted(self, rows: Iterator[Told]) -> Iterator[Told]:
        """The same, counted."""
        for told in rows:
            if isinstance(told, RememberedRow):
                self._tally.rows += 1
                self._totals.add(told)
                if told.run_id == self._manifest.run_id:
                    self._this_run.add(told)
            else:
                self._is_whole = False  # it is told what is missing; that sums differ then says nothing more
            yield told

    def faults(self) -> Iterator[str]:
        """What is wrong with the totals; where rows could not be read, only what the manifest itself contradicts."""
        said = self._manifest
        rows = sum(part.rows for part in said.parts)
        if said.totals.objects != rows:
            yield f"totals count {said.totals.objects} objects, the parts {rows} rows"
        if said.complete is not (State.PENDING.value not in said.totals.by_state):
            yield f"complete is {said.complete}, and the states are {said.totals.by_state!r}"
        if self._is_whole:
            yield from _unequal("totals", said.totals, self._totals.totals())
            yield from _unequal("this_run", said.this_run, self._this_run.totals())


def _unequal(which: str, said: Totals, summed: Totals) -> Iterator[str]:
    names = [name for name in Totals.model_fields if getattr(said, name) != getattr(summed, name)]
    if names:
        faults = (f"{name} is {getattr(said, name)!r}, the rows give {getattr(summed, name)!r}" for name in names)
        yield f"{which}: {'; '.join(faults)}"
