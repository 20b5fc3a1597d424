"""Leases in memory, for one process: unit tests and the one-shot command. Thread-safe."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from pipeline.models import Job
from pipeline.runs.base import Leases
from pipeline.runs.memory import PARKED, Holder, MemoryState


class MemoryLeases(Leases):
    """The worker's side of a `MemoryState`."""

    def __init__(self, state: MemoryState, *, owner: str, lease_s: float) -> None:
        self._state = state
        self._owner = owner
        self._lease_s = lease_s

    def acquire(self, job: Job) -> str | None:
        """See `Leases.acquire`."""
        state = self._state
        with state.lock:
            if state.holder(job.job_id) not in {None, PARKED}:
                return None
            token = uuid.uuid4().hex
            self._hold(job.job_id, Holder(self._owner, token), self._lease_s)
            run = state.jobs.get(job.run_id)
            if run and job.job_id in run.outstanding:
                run.started.add(job.job_id)
            return token

    def holds(self, job_id: str, token: str) -> bool:
        """See `Leases.holds`."""
        with self._state.lock:
            return self._state.holder(job_id) == Holder(self._owner, token)

    def holder(self, job_id: str) -> str | None:
        """See `Leases.holder`."""
        with self._state.lock:
            holder = self._state.holder(job_id)
            return None if holder is None or holder == PARKED else holder.owner

    def renew(self, held: Mapping[str, str]) -> set[str]:
        """See `Leases.renew`."""
        with self._state.lock:
            kept = {job_id for job_id, token in held.items() if self.holds(job_id, token)}
            for job_id in kept:
                self._hold(job_id, Holder(self._owner, held[job_id]), self._lease_s)
            return held.keys() - kept

    def park(self, job_id: str, token: str, for_s: float) -> None:
        """See `Leases.park`."""
        with self._state.lock:
            if self._state.holder(job_id) in {None, Holder(self._owner, token)}:
                self._hold(job_id, PARKED, for_s)

    def hand_back(self, job: Job, token: str) -> None:
        """See `Leases.hand_back`."""
        with self._state.lock:
            if self._state.holder(job.job_id) not in {None, Holder(self._owner, token)}:
                return
            self._state.leases.pop(job.job_id, None)
            if run := self._state.jobs.get(job.run_id):
                run.started.discard(job.job_id)

    def release(self, job_id: str, token: str) -> None:
        """See `Leases.release`."""
        with self._state.lock:
            if self.holds(job_id, token):
                del self._state.leases[job_id]

    def _hold(self, job_id: str, holder: Holder, for_s: float) -> None:
        self._state.leases[job_id] = (holder, self._state.clock() + for_s)
