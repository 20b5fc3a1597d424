"""The leases that one process holds: taken by its slots, renewed by its heartbeat."""

from __future__ import annotations

import threading

from pipeline.models import Job
from pipeline.runs.base import Leases


class HeldLeases:
    """Keeps count of what this process works on. Thread-safe; raises `ServiceUnavailableError` as `Leases` does."""

    def __init__(self, leases: Leases) -> None:
        self._leases = leases
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}

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
        return token

    def holds(self, job_id: str, token: str) -> bool:
        """Whether the server still knows this lease."""
        return self._leases.holds(job_id, token)

    def forget(self, job_id: str, token: str) -> None:
        """This process works on the job no more; its heartbeat lets the lease run out."""
        with self._lock:
            if self._held.get(job_id) == token:
                del self._held[job_id]

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
