"""Unshown requests in memory, for one process: unit tests. Thread-safe."""

from __future__ import annotations

from collections import deque

from pipeline.runs.unshown import MOST_KEPT, Unshown


class MemoryUnshown(Unshown):
    """Forgets the oldest."""

    def __init__(self, most_kept: int = MOST_KEPT) -> None:
        self._ids: deque[str] = deque(maxlen=most_kept)

    def note(self, request_id: str) -> None:
        """See `Unshown.note`."""
        self._ids.append(request_id)

    def ids(self) -> frozenset[str]:
        """See `Unshown.ids`."""
        return frozenset(self._ids.copy())
