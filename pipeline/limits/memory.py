"""Permits and rate in memory, for one process: unit tests and the one-shot command. Thread-safe."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from pipeline.errors import ConfigurationError
from pipeline.limits.base import COOL_DOWN_S, Permits, PermitUse, Rate


@dataclass(slots=True)
class _Reduction:
    limit: int = 1
    at_s: float = -math.inf
    paused_until_s: float = -math.inf


class MemoryPermits(Permits):
    """The semaphore as a dictionary. `clock` returns seconds and only grows.

    `limit` is the ceiling unless one is set live. The limit in force grows from 1 to the ceiling in `recover_s`, and is
    halved at most once per `cool_down_s`.
    """

    def __init__(
        self,
        *,
        limit: int,
        lease_s: float,
        recover_s: float = 10.0,
        cool_down_s: float = COOL_DOWN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configured = limit
        self._lease_s = lease_s
        self._recover_s = recover_s
        self._cool_down_s = cool_down_s
        self._clock = clock
        self._lock = threading.Lock()
        self._ends: dict[str, float] = {}
        self._in_flight: dict[str, str] = {}
        self._set_live: int | None = None
        self._reduced: _Reduction | None = None

    def try_acquire(self, name: str) -> bool:
        """See `Permits.try_acquire`."""
        with self._lock:
            held = self._held()
            if name not in held and (self._is_paused() or len(held) >= self._in_force()):
                return False
            held[name] = self._clock() + self._lease_s
            return True

    def adopt(self, name: str, request: str | None = None) -> None:
        """See `Permits.adopt`."""
        with self._lock:
            self._ends[name] = self._clock() + self._lease_s
            if request is not None:
                self._in_flight[name] = request

    def abandoned(self) -> Mapping[str, str]:
        """See `Permits.abandoned`."""
        with self._lock:
            now = self._clock()
            return {name: self._in_flight[name] for name, end in self._held().items() if end <= now}

    def renew(self, names: Collection[str]) -> set[str]:
        """See `Permits.renew`."""
        with self._lock:
            lost = set(names) - self._held().keys()
            self._ends.update(dict.fromkeys(set(names) - lost, self._clock() + self._lease_s))
            return lost

    def release(self, name: str) -> None:
        """See `Permits.release`."""
        with self._lock:
            self._ends.pop(name, None)
            self._in_flight.pop(name, None)

    def slow_down(self, pause_s: float) -> None:
        """See `Permits.slow_down`."""
        with self._lock:
            now_s = self._clock()
            limit, reduced = self._in_force(), self._reduced or _Reduction()
            if now_s - reduced.at_s >= self._cool_down_s:
                reduced.limit, reduced.at_s = max(1, limit // 2), now_s
            if pause_s > 0:
                reduced.paused_until_s = max(reduced.paused_until_s, now_s + pause_s)
            self._reduced = reduced

    def set_ceiling(self, limit: int | None) -> None:
        """See `Permits.set_ceiling`."""
        if limit is not None and limit < 1:
            raise ConfigurationError(f"A limit of {limit} requests in flight would stop all workers. Set 1 or more.")
        self._set_live = limit

    def use(self) -> PermitUse:
        """See `Permits.use`."""
        with self._lock:
            return PermitUse(len(self._held()), self._in_force(), self._ceiling())

    def _held(self) -> dict[str, float]:
        now = self._clock()
        self._ends = {name: end for name, end in self._ends.items() if end > now or name in self._in_flight}
        return self._ends

    def _ceiling(self) -> int:
        return self._configured if self._set_live is None else self._set_live

    def _is_paused(self) -> bool:
        return self._reduced is not None and self._clock() < self._reduced.paused_until_s

    def _in_force(self) -> int:
        ceiling, reduced = self._ceiling(), self._reduced
        if reduced is None:
            return ceiling
        growing_for_s = max(0.0, self._clock() - max(reduced.at_s, reduced.paused_until_s))
        grown = reduced.limit + (ceiling - 1) * growing_for_s / self._recover_s
        return ceiling if grown >= ceiling else math.floor(grown)


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
