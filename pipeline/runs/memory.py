"""Runs and leases in memory, for one process: unit tests and the one-shot command. Thread-safe."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from pipeline.errors import RunActiveError
from pipeline.models import Job, ManifestRow
from pipeline.runs.base import Leases, Runs, RunSummary, RunTicket, StopOrder, WorkerSummary

_PARKED = ""  # no worker has an empty name


@dataclass(slots=True)
class _OpenRun:
    ticket: RunTicket
    alive_until: float
    archive_uri: str
    endpoint_id: str


@dataclass(slots=True)
class _Jobs:
    outstanding: dict[str, Job] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    rows: list[ManifestRow] = field(default_factory=list)


class MemoryState:
    """What dispatcher and workers share. `clock` returns seconds and only grows."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.open_runs: dict[str, _OpenRun] = {}
        self.jobs: dict[str, _Jobs] = {}
        self.leases: dict[str, tuple[str, float]] = {}
        self.workers: dict[str, tuple[WorkerSummary, float]] = {}
        self.stop_order: StopOrder | None = None

    def holder(self, job_id: str) -> str | None:
        """Who has the lease of a job; the caller has the lock."""
        owner, ends = self.leases.get(job_id, (None, 0.0))
        return owner if ends > self.clock() else None


class MemoryRuns(Runs):
    """The dispatcher's side of a `MemoryState`."""

    def __init__(self, state: MemoryState, *, dispatcher_lease_s: float, worker_lease_s: float) -> None:
        self._state = state
        self._dispatcher_lease_s = dispatcher_lease_s
        self._worker_lease_s = worker_lease_s

    def open(
        self, archive_id: str, recipe_hash: str, *, new_run_id: str, archive_uri: str, endpoint_id: str
    ) -> RunTicket:
        """See `Runs.open`."""
        state = self._state
        with state.lock:
            old = state.open_runs.get(archive_id)
            if old and old.alive_until > state.clock():
                raise RunActiveError(f"Run {old.ticket.run_id} over {archive_uri} is alive. Wait for its end.")
            resumed = old is not None and old.ticket.recipe_hash == recipe_hash
            run_id = old.ticket.run_id if old and resumed else new_run_id
            if old and not resumed:
                state.jobs.pop(old.ticket.run_id, None)
            ticket = RunTicket(archive_id, run_id, recipe_hash, uuid.uuid4().hex, resumed)
            alive_until = state.clock() + self._dispatcher_lease_s
            state.open_runs[archive_id] = _OpenRun(ticket, alive_until, archive_uri, endpoint_id)
            state.stop_order = None
            return ticket

    def beat(self, ticket: RunTicket) -> bool:
        """See `Runs.beat`."""
        with self._state.lock:
            run = self._own(ticket)
            if run is None:
                return False
            run.alive_until = self._state.clock() + self._dispatcher_lease_s
            return True

    def close(self, ticket: RunTicket, *, finished: bool) -> None:
        """See `Runs.close`. Does nothing when another dispatcher has taken the archive."""
        with self._state.lock:
            run = self._own(ticket)
            if run is None:
                return
            run.alive_until = float("-inf")
            if finished:
                del self._state.open_runs[ticket.archive_id]
                self._state.jobs.pop(ticket.run_id, None)

    def _own(self, ticket: RunTicket) -> _OpenRun | None:
        run = self._state.open_runs.get(ticket.archive_id)
        return run if run and run.ticket.token == ticket.token else None

    def add(self, run_id: str, jobs: Sequence[Job]) -> None:
        """See `Runs.add`."""
        with self._state.lock:
            self._jobs(run_id).outstanding.update({job.job_id: job for job in jobs})

    def outstanding(self, run_id: str) -> int:
        """See `Runs.outstanding`."""
        with self._state.lock:
            return len(self._jobs(run_id).outstanding)

    def known(self, run_id: str, job_ids: Sequence[str]) -> set[str]:
        """See `Runs.known`."""
        with self._state.lock:
            return self._jobs(run_id).outstanding.keys() & set(job_ids)

    def stalled(self, run_id: str, *, queue_is_empty: bool) -> list[Job]:
        """See `Runs.stalled`."""
        with self._state.lock:
            jobs = self._jobs(run_id)
            suspects = jobs.outstanding.keys() if queue_is_empty else jobs.started
            found = [jobs.outstanding[job_id] for job_id in suspects if self._state.holder(job_id) is None]
            jobs.started -= {job.job_id for job in found}
            return found

    def settle(self, job: Job, row: ManifestRow) -> bool:
        """See `Runs.settle`."""
        with self._state.lock:
            if not self._forget(job):
                return False
            self._jobs(job.run_id).rows.append(row)
            return True

    def drop(self, job: Job) -> None:
        """See `Runs.drop`."""
        with self._state.lock:
            self._forget(job)

    def _forget(self, job: Job) -> bool:
        jobs = self._jobs(job.run_id)
        jobs.started.discard(job.job_id)
        return jobs.outstanding.pop(job.job_id, None) is not None

    def rows(self, run_id: str, start: int, limit: int) -> list[ManifestRow]:
        """See `Runs.rows`."""
        with self._state.lock:
            return self._jobs(run_id).rows[start : start + limit]

    def take(self, run_id: str, count: int) -> None:
        """See `Runs.take`."""
        with self._state.lock:
            del self._jobs(run_id).rows[:count]

    def stop(self, order: StopOrder) -> None:
        """See `Runs.stop`."""
        self._state.stop_order = order

    def stop_order(self) -> StopOrder | None:
        """See `Runs.stop_order`."""
        return self._state.stop_order

    def show_worker(self, worker: WorkerSummary) -> None:
        """See `Runs.show_worker`."""
        with self._state.lock:
            self._state.workers[worker.name] = (worker, self._state.clock() + self._worker_lease_s)

    def workers(self) -> list[WorkerSummary]:
        """See `Runs.workers`."""
        with self._state.lock:
            now = self._state.clock()
            return [worker for _, (worker, ends) in sorted(self._state.workers.items()) if ends > now]

    def summaries(self) -> list[RunSummary]:
        """See `Runs.summaries`."""
        with self._state.lock:
            return [self._summary(run) for _, run in sorted(self._state.open_runs.items())]

    def _summary(self, run: _OpenRun) -> RunSummary:
        jobs = self._jobs(run.ticket.run_id)
        is_alive = run.alive_until > self._state.clock()
        return RunSummary(
            run.ticket.run_id, run.archive_uri, run.endpoint_id, len(jobs.outstanding), len(jobs.rows), is_alive
        )

    def _jobs(self, run_id: str) -> _Jobs:
        return self._state.jobs.setdefault(run_id, _Jobs())


class MemoryLeases(Leases):
    """The worker's side of a `MemoryState`."""

    def __init__(self, state: MemoryState, *, owner: str, lease_s: float) -> None:
        self._state = state
        self._owner = owner
        self._lease_s = lease_s

    def acquire(self, job: Job) -> bool:
        """See `Leases.acquire`. True also when this worker holds it already."""
        state = self._state
        with state.lock:
            if state.holder(job.job_id) not in {None, _PARKED, self._owner}:
                return False
            self._hold(job.job_id, self._owner, self._lease_s)
            run = state.jobs.get(job.run_id)
            if run and job.job_id in run.outstanding:
                run.started.add(job.job_id)
            return True

    def renew(self, job_ids: Collection[str]) -> set[str]:
        """See `Leases.renew`."""
        with self._state.lock:
            held = {job_id for job_id in job_ids if self._state.holder(job_id) == self._owner}
            for job_id in held:
                self._hold(job_id, self._owner, self._lease_s)
            return set(job_ids) - held

    def park(self, job_id: str, for_s: float) -> None:
        """See `Leases.park`. Another worker's lease stays as it is."""
        with self._state.lock:
            if self._state.holder(job_id) in {None, self._owner}:
                self._hold(job_id, _PARKED, for_s)

    def hand_back(self, job: Job) -> None:
        """See `Leases.hand_back`."""
        with self._state.lock:
            if run := self._state.jobs.get(job.run_id):
                run.started.discard(job.job_id)
        self.release(job.job_id)

    def release(self, job_id: str) -> None:
        """See `Leases.release`."""
        with self._state.lock:
            if self._state.holder(job_id) == self._owner:
                del self._state.leases[job_id]

    def _hold(self, job_id: str, owner: str, for_s: float) -> None:
        self._state.leases[job_id] = (owner, self._state.clock() + for_s)
