"""Permits and rate in memory, for one process: unit tests and the one-shot command. Thread-safe."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection

from pipeline.limits.base import Permits, PermitUse, Rate


class MemoryPermits(Permits):
    """The semaphore as a dictionary. `limit` may be changed at any time; `clock` returns seconds and only grows."""

    def __init__(self, *, limit: int, lease_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._lease_s = lease_s
        self._clock = clock
        self._lock = threading.Lock()
        self._ends: dict[str, float] = {}

    def try_acquire(self, job_id: str) -> bool:
        """See `Permits.try_acquire`."""
        with self._lock:
            held = self._held()
            if job_id not in held and len(held) >= self.limit:
                return False
            held[job_id] = self._clock() + self._lease_s
            return True

    def adopt(self, job_id: str) -> None:
        """See `Permits.adopt`."""
        with self._lock:
            self._ends[job_id] = self._clock() + self._lease_s

    def renew(self, job_ids: Collection[str]) -> set[str]:
        """See `Permits.renew`."""
        with self._lock:
            lost = set(job_ids) - self._held().keys()
            self._ends.update(dict.fromkeys(set(job_ids) - lost, self._clock() + self._lease_s))
            return lost

    def release(self, job_id: str) -> None:
        """See `Permits.release`."""
        with self._lock:
            self._ends.pop(job_id, None)

    def use(self) -> PermitUse:
        """See `Permits.use`."""
        with self._lock:
            return PermitUse(held=len(self._held()), limit=self.limit)

    def _held(self) -> dict[str, float]:
        now = self._clock()
        self._ends = {job_id: end for job_id, end in self._ends.items() if end > now}
        return self._ends


class MemoryRate(Rate):
    """GCRA over one number; `clock` returns seconds and only grows.

    Counts in whole microseconds, as the Redis one does: fractions would round to a wait where there is none.
    """

    def __init__(self, *, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._token_us = math.ceil(1_000_000 / per_s)
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._full_at_us = 0

    def reserve(self, max_wait_s: float) -> float | None:
        """See `Rate.reserve`."""
        with self._lock:
            now_us = round(self._clock() * 1_000_000)
            full_at_us = max(now_us, self._full_at_us)
            wait_us = max(0, full_at_us - self._token_us * (self._burst - 1) - now_us)
            if wait_us > max_wait_s * 1_000_000:
                return None
            self._full_at_us = full_at_us + self._token_us
            return wait_us / 1_000_000
