"""The lengths of recordings that were transcribed before, for a plan that transcribes them again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.models import Block, Job, KnownRows, RememberedRow, Skip, Untouched

_FEW = 1000
"""Rows that may wait although the plan has decided on them: dropping them one by one would take as long as planning."""


class KnownLengths:
    """Keeps rows from when the plan reads them until it has decided: as many as it holds back itself, a few thousand.

    Rows and decisions come in the same order, that of keys.
    """

    def __init__(self, few: int = _FEW) -> None:
        self._few = few
        self._waiting: deque[RememberedRow] = deque()

    def watched(self, known: Iterable[KnownRows]) -> Iterator[KnownRows]:
        """The same rows."""
        return (_Kept(rows, self._keep) for rows in known)

    def of(self, decision: Job | Skip | Untouched) -> float | None:
        """The length of a job's audio in seconds, where its row knows it. To be asked for every decision."""
        waiting = self._waiting
        if isinstance(decision, Untouched) or (isinstance(decision, Skip) and len(waiting) < self._few):
            return None
        key = decision.row.key if isinstance(decision, Skip) else decision.object.key
        while waiting and waiting[0].key < key:
            waiting.popleft()
        if isinstance(decision, Skip) or not waiting:
            return None
        row, audio = waiting[0], decision.object
        is_of_audio = (row.key, row.etag, row.size_bytes) == (audio.key, audio.etag, audio.size_bytes)
        return row.duration_s if is_of_audio else None

    def _keep(self, rows: list[RememberedRow]) -> list[RememberedRow]:
        self._waiting.extend(rows)
        return rows


@dataclass(frozen=True, slots=True)
class _Kept:
    """The same rows, kept when somebody unpacks them: only of these a decision can be a job."""

    known: KnownRows
    keep: Callable[[list[RememberedRow]], list[RememberedRow]]

    @property
    def last_key(self) -> str:
        return self.known.last_key

    @property
    def count(self) -> int:
        return self.known.count

    @property
    def block(self) -> Block | None:
        return self.known.block

    def rows(self) -> list[RememberedRow]:
        return self.keep(self.known.rows())

    def some(self, numbers: Sequence[int]) -> list[RememberedRow]:
        return self.keep(self.known.some(numbers))
