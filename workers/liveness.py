"""Whether this worker still consumes: with free slots and messages waiting, a task begins within moments. Pure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Liveness:
    """Told of every task that begins, and asked at every heartbeat. Thread-safe; `clock` returns seconds."""

    def __init__(self, slots: int, stuck_after_s: float, clock: Callable[[], float]) -> None:
        self._slots = slots
        self._stuck_after_s = stuck_after_s
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._at_night = 0
        self.is_stuck = False

    @contextmanager
    def at_night(self) -> Iterator[None]:
        """A slot is taken by a night, which is no job, for as long as this lasts."""
        with self._lock:
            self._at_night += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_night -= 1

    def consumed(self) -> None:
        """A task has begun."""
        with self._lock:
            self._since = None
            self.is_stuck = False

    def look(self, busy: int, queued: int) -> bool:
        """Whether messages have waited for so long, with slots free all the time, that the consumer must be dead."""
        with self._lock:
            if not queued or busy + self._at_night >= self._slots:
                self._since = None
                self.is_stuck = False
            elif self._since is None:
                self._since = self._clock()
            else:
                self.is_stuck = self._clock() - self._since >= self._stuck_after_s
            return self.is_stuck
