"""Waiting for permits within one process: slots stand in line, and only the first in line asks the server.

Hundreds of slots polling Redis for two permits would be the busiest thing on the machine. Waiting spends no
attempt (I4) and ends at once when the process is told to stop.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pipeline.cancellation import CancellationToken
from pipeline.errors import ServiceUnavailableError
from pipeline.limits.base import Permits

# Another process may free a permit at any time; a job takes seconds to minutes, so this delay is not felt.
_ASK_AGAIN_S = 0.2
# A slot in line looks up this often to see whether the process is stopping.
_LOOK_UP_S = 0.2


@dataclass(slots=True)
class HeldPermit:
    """A permit in use. Whoever holds it says when a request of it is in flight at fal."""

    in_flight: bool


class PermitLine:
    """Blocking permits for the threads of one process, and the list of those it holds (for the heartbeat)."""

    def __init__(self, permits: Permits, cancel: CancellationToken) -> None:
        self._permits = permits
        self._cancel = cancel
        self._front = threading.Lock()
        self._freed_here = threading.Event()
        self._held: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def permit(self, job_id: str, *, in_flight: bool) -> Iterator[HeldPermit]:
        """Holds a permit for the block, waiting for one unless the job's request is in flight already.

        When the block is left by an exception while the request is in flight, the permit is left to its lease: the
        request goes on at fal and still counts until it is resumed, here or by another worker.
        """
        if in_flight:
            self._permits.adopt(job_id)
        else:
            self._wait(job_id)
        held = HeldPermit(in_flight)
        with self._lock:
            self._held.add(job_id)
        try:
            yield held
        except BaseException:
            self._forget(job_id)
            if not held.in_flight:
                self._give_back(job_id)
            raise
        else:
            self._forget(job_id)
            self._give_back(job_id)

    def renew(self) -> None:
        """Extends the leases of all permits held here; called by the process's heartbeat.

        A permit that was lost meanwhile (Redis was wiped, or this process slept) is adopted again, for its
        request is in flight whatever Redis says.
        """
        with self._lock:
            held = set(self._held)
        if held:
            for job_id in self._permits.renew(held):
                self._permits.adopt(job_id)

    def _wait(self, job_id: str) -> None:
        while not self._front.acquire(timeout=_LOOK_UP_S):
            self._cancel.raise_if_cancelled()
        try:
            while True:
                self._cancel.raise_if_cancelled()
                self._freed_here.clear()
                if self._permits.try_acquire(job_id):
                    return
                self._freed_here.wait(_ASK_AGAIN_S)
        finally:
            self._front.release()

    def _give_back(self, job_id: str) -> None:
        with suppress(ServiceUnavailableError):  # the lease gives it back
            self._permits.release(job_id)
        self._freed_here.set()

    def _forget(self, job_id: str) -> None:
        with self._lock:
            self._held.discard(job_id)
