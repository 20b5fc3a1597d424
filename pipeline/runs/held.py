"""The leases that one process holds: taken by its slots, renewed by its heartbeat."""

from __future__ import annotations

import threading
import time
from itertools import islice

from pipeline.models import Job
from pipeline.runs.base import AtWork, Leases

_TOLD = 4  # those that take longest, which is where a fault would show; a worker may have hundreds
_URI_TOLD = 160  # characters: the end, which tells one episode from another. Together below a kilobyte as a rule


class HeldLeases:
    """Keeps count of what this process works on. Thread-safe; raises `ServiceUnavailableError` as `Leases` does."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}
        self._at_work: dict[str, AtWork] = {}

    def take(self, job: Job) -> str | None:
        """Takes a job for one slot; None when another slot, here or elsewhere, has it."""
        with self._lock:
            if job.job_id in self._held:
                return None
            self._held[job.job_id] = ""  # no other slot of this process may ask while we do
        token = None
        try:
            token = self._leases.acquire(job)
        finally:
            with self._lock:
                if token is None:
                    del self._held[job.job_id]
                else:
                    self._held[job.job_id] = token
                    self._at_work[job.job_id] = AtWork(_shortened(job.object.uri), round(time.time(), 1))
        return token

    def holds(self, job_id: str, token: str) -> bool:
        """Whether the server still knows this lease."""
        return self._leases.holds(job_id, token)

    def forget(self, job_id: str, token: str) -> None:
        """This process works on the job no more; its heartbeat lets the lease run out."""
        with self._lock:
            if self._held.get(job_id) == token:
                del self._held[job_id]
                self._at_work.pop(job_id, None)

    def park(self, job_id: str, token: str, for_s: float) -> None:
        """See `Leases.park`."""
        self.forget(job_id, token)
        self._leases.park(job_id, token, for_s)

    def hand_back(self, job: Job, token: str) -> None:
        """See `Leases.hand_back`."""
        self.forget(job.job_id, token)
        self._leases.hand_back(job, token)

    def release(self, job_id: str, token: str) -> None:
        """See `Leases.release`."""
        self.forget(job_id, token)
        self._leases.release(job_id, token)

    def renew(self) -> set[str]:
        """Renews all of them; the ids of jobs whose lease another worker may have taken."""
        with self._lock:
            held = {job_id: token for job_id, token in self._held.items() if token}
        return self._leases.renew(held) if held else set()

    @property
    def count(self) -> int:
        """How many jobs this process works on."""
        with self._lock:
            return len(self._held)

    @property
    def longest(self) -> tuple[AtWork, ...]:
        """What this process has held longest, a few of all, oldest first."""
        with self._lock:
            return tuple(islice(self._at_work.values(), _TOLD))  # a dict keeps the order in which they were taken


def _shortened(uri: str) -> str:
    return uri if len(uri) <= _URI_TOLD else f"…{uri[1 - _URI_TOLD :]}"
