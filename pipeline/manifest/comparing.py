"""What a run changes in a manifest, counted while rows before and after pass; and who else may see them pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from pipeline.models import Changes, Manifest, RememberedRow, State, Totals

_FAILING = frozenset({State.FAILED, State.UNCERTAIN})


class Onlooker(Protocol):
    """Sees every row that goes into a manifest, in key order: nobody needs to read a million rows a second time."""

    def begin(self) -> None:
        """The rows begin; a second time when another run has got in between and the manifest is made once more."""

    def add(self, row: RememberedRow, /) -> None:
        """The next row."""


@dataclass(slots=True)
class Comparison:
    """Counts how rows differ from those of the manifest before. See `Changes` for what is counted."""

    new: int = 0
    replaced: int = 0
    recipe_changed: int = 0
    gone: int = 0
    recovered: int = 0
    newly_failing: int = 0

    def add(self, before: RememberedRow | None, after: RememberedRow | None) -> None:
        """Counts one key; None where the manifest has no row of it."""
        if after is None:
            self.gone += before is not None
            return
        is_failing = after.state in _FAILING
        if before is None:
            self.new += 1
            self.newly_failing += is_failing
            return
        was_failing = before.state in _FAILING
        is_same = (before.etag, before.size_bytes, before.version_id) == (
            after.etag,
            after.size_bytes,
            after.version_id,
        )
        is_done_again = before.state is after.state is State.DONE
        self.replaced += not is_same
        self.recipe_changed += is_same and is_done_again and before.recipe != after.recipe
        self.recovered += was_failing and after.state is State.DONE
        self.newly_failing += is_failing and not was_failing

    def changes(self, base: Manifest | None) -> Changes:
        """What it comes to, against this manifest; None: there is none before."""
        return Changes(
            base_run_id=base.run_id if base else None,
            before=base.totals if base else Totals(),
            new=self.new,
            replaced=self.replaced,
            recipe_changed=self.recipe_changed,
            gone=self.gone,
            recovered=self.recovered,
            newly_failing=self.newly_failing,
        )


def compared(older: Manifest, rows_before: Iterator[RememberedRow], rows_after: Iterator[RememberedRow]) -> Changes:
    """How two manifests differ, both streamed in key order."""
    comparison = Comparison()
    before, after = next(rows_before, None), next(rows_after, None)
    while before is not None or after is not None:
        if after is None or (before is not None and before.key < after.key):
            comparison.add(before, None)
            before = next(rows_before, None)
        elif before is None or after.key < before.key:
            comparison.add(None, after)
            after = next(rows_after, None)
        else:
            comparison.add(before, after)
            before, after = next(rows_before, None), next(rows_after, None)
    return comparison.changes(older)
