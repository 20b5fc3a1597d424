"""Waiting for permits within one process: slots stand in line, and only the first in line asks the server.

Hundreds of slots polling Redis for two permits would be the busiest thing on the machine. Waiting spends no
attempt (I4) and ends at once when the process is told to stop.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from contextlib import suppress

from pipeline.cancellation import CancellationToken
from pipeline.errors import ServiceUnavailableError
from pipeline.limits.base import Permits
from pipeline.models import PaidRequest

# Another process may free a permit at any time; a job takes seconds to minutes, so this delay is not felt.
_ASK_AGAIN_S = 0.2
# A slot in line looks up this often to see whether the process is stopping.
_LOOK_UP_S = 0.2
# While none is free, requests that were left behind are looked at this seldom (every other second).
_ASKS_PER_SEARCH = 10


class PermitLine:
    """Blocking permits for the threads of one process, and the list of those it holds (for the heartbeat)."""

    def __init__(
        self, permits: Permits, cancel: CancellationToken, is_over: Callable[[PaidRequest], bool] = lambda _: False
    ) -> None:
        """`is_over` asks fal whether a request that a dead worker has left behind is in flight no more."""
        self._permits = permits
        self._cancel = cancel
        self._is_over = is_over
        self._front = threading.Lock()
        self._freed_here = threading.Event()
        self._held: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def take(self, lease: str) -> None:
        """Waits for a permit under the name of a lease. Raises `Cancelled` when the process is told to stop."""
        self._wait(lease)
        self._hold(lease)

    def holds(self, lease: str) -> bool:
        """Whether the lease's permit still stands; after a wipe, or a long sleep, it does not."""
        return not self._permits.renew({lease})

    def count_in_flight(self, request: PaidRequest, *, instead_of: str) -> None:
        """Counts a request that fal has accepted, even beyond the limit: it is in flight whatever Redis says."""
        text = request.model_dump_json()
        self._permits.adopt(request.request_id, text)
        self._hold(request.request_id, text)
        self.give_back(instead_of)

    def give_back(self, name: str) -> None:
        """Nothing is in flight under this name any more; when Redis is away, the lease gives the permit back."""
        self.leave(name)
        with suppress(ServiceUnavailableError):
            self._permits.release(name)
        self._freed_here.set()

    def leave(self, name: str) -> None:
        """Leaves the permit to its lease: this process does not renew it any more."""
        with self._lock:
            self._held.pop(name, None)

    def slow_down(self, pause_s: float) -> None:
        """See `Permits.slow_down`."""
        self._permits.slow_down(pause_s)

    def renew(self) -> None:
        """Extends the leases of all permits held here; called by the process's heartbeat.

        Of the permits that were lost meanwhile (Redis was wiped, or this process slept) those of requests in flight
        are adopted again, for they are in flight whatever Redis says. The others are gone: nothing is sent under them.
        """
        with self._lock:
            held = dict(self._held)
        for name in self._permits.renew(held.keys()) if held else ():
            if (request := held[name]) is None:
                self.leave(name)
            elif self._still_holds(name):
                self._permits.adopt(name, request)

    def _wait(self, lease: str) -> None:
        while not self._front.acquire(timeout=_LOOK_UP_S):
            self._cancel.raise_if_cancelled()
        try:
            for ask in itertools.count(1):
                self._cancel.raise_if_cancelled()
                self._freed_here.clear()
                if self._permits.try_acquire(lease):
                    return
                if ask % _ASKS_PER_SEARCH == 0:
                    self._free_abandoned()
                self._freed_here.wait(_ASK_AGAIN_S)
        finally:
            self._front.release()

    def _free_abandoned(self) -> None:
        """Frees the permits of dead workers' requests that have ended since; nobody else may come to do it."""
        for name, text in self._permits.abandoned().items():
            if self._is_over(PaidRequest.model_validate_json(text)):
                self._permits.release(name)

    def _still_holds(self, name: str) -> bool:
        with self._lock:
            return name in self._held

    def _hold(self, name: str, request: str | None = None) -> None:
        with self._lock:
            self._held[name] = request
