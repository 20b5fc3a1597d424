"""Requests of ours whose input fal's history does not show, for it was deleted (`--delete-payloads`) or never stored.

Whoever looks for a lost request must else hold each row without an input for the lost one. These are known: they are
other jobs' requests. Liveness only (I3): what is forgotten here leaves a lost reply uncertain, and never free.
"""

from __future__ import annotations

from abc import ABC, abstractmethod


class Unshown(ABC):
    """Request ids, the newest `MOST_KEPT` of them. Raises `ServiceUnavailableError`."""

    @abstractmethod
    def note(self, request_id: str) -> None:
        """Notes one; again is the same as once."""

    @abstractmethod
    def ids(self) -> frozenset[str]:
        """All that are known."""


MOST_KEPT = 10_000
"""As many requests as are read of a history; 40 bytes each."""
