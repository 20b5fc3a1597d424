"""Rows that Redis lost before they were kept in S3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.manifest import Draft
from pipeline.models import ManifestRow, State
from pipeline.spending import RunBudget

_ROWS_AT_ONCE = 500


@dataclass
class LostRows:
    """Rows of this run that were lost with Redis after their sidecars were written: the plan finds them again."""

    settled: Draft
    """What of the run was kept before."""
    keep: Callable[[list[ManifestRow]], None]
    budget: RunBudget | None
    _rows: list[ManifestRow] = field(default_factory=list)

    def add(self, row: ManifestRow) -> None:
        """Takes a row of this run that was found through its sidecar, unless it was kept."""
        kept = self.settled.get(row.key)
        if row.state is State.DONE and (kept is None or kept.job_id != row.job_id or kept.state is not State.DONE):
            self._rows.append(row)
            if len(self._rows) >= _ROWS_AT_ONCE:
                self.keep_all()

    def keep_all(self) -> None:
        """Keeps them as if their workers had just handed them in."""
        if self._rows:
            self.keep(self._rows)
            for row in self._rows:
                if self.budget:
                    self.budget.settle(row)
            self._rows = []
