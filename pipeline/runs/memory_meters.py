"""The book of meters in memory, for one process: unit tests. Thread-safe."""

from __future__ import annotations

import threading

from pipeline.meters import Gathered, Series
from pipeline.runs.meter_book import MeterBook


class MemoryMeterBook(MeterBook):
    """Forgets nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sums: dict[Series, float] = {}

    def add(self, gathered: Gathered) -> None:
        """See `MeterBook.add`."""
        with self._lock:
            for series, amount in gathered.items():
                self._sums[series] = self._sums.get(series, 0.0) + amount

    def read(self) -> Gathered:
        """See `MeterBook.read`."""
        with self._lock:
            return dict(self._sums)
