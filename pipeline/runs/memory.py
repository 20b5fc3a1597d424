"""Runs in memory, for one process: unit tests and the one-shot command. Thread-safe."""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.errors import RunActiveError
from pipeline.models import Job, ManifestRow, Progress
from pipeline.runs.base import Runs, RunSummary, RunTicket, StopOrder, WorkerSummary


class Holder(NamedTuple):
    """Who has the lease of a job, by which acquisition."""

    owner: str
    token: str


PARKED = Holder("", "")  # no worker has an empty name


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
        self.leases: dict[str, tuple[Holder, float]] = {}
        self.workers: dict[str, tuple[WorkerSummary, float]] = {}
        self.progress: dict[str, Progress] = {}
        self.stop_order: StopOrder | None = None
        self.recovery_claimed_until = -math.inf

    def holder(self, job_id: str) -> Holder | None:
        """Who has the lease of a job, `PARKED` or nobody; the caller has the lock."""
        holder, ends = self.leases.get(job_id, (None, 0.0))
        return holder if ends > self.clock() else None


class MemoryRuns(Runs):
    """The dispatcher's side of a `MemoryState`."""

    def __init__(self, state: MemoryState, *, dispatcher_lease_s: float, worker_lease_s: float) -> None:
        self._state = state
        self._dispatcher_lease_s = dispatcher_lease_s
        self._worker_lease_s = worker_lease_s

    def open(
        self,
        archive_id: str,
        recipe_hash: str,
        *,
        new_run_id: str,
        archive_uri: str,
        endpoint_id: str,
        unfinished_run_id: str | None = None,
    ) -> RunTicket:
        """See `Runs.open`."""
        state = self._state
        with state.lock:
            old = state.open_runs.get(archive_id)
            if old and old.alive_until > state.clock():
                raise RunActiveError(f"Run {old.ticket.run_id} over {archive_uri} is alive. Wait for its end.")
            unfinished = unfinished_run_id
            if old:
                unfinished = old.ticket.run_id if old.ticket.recipe_hash == recipe_hash else None
                if unfinished is None:
                    state.jobs.pop(old.ticket.run_id, None)
            ticket = RunTicket(
                archive_id, unfinished or new_run_id, recipe_hash, uuid.uuid4().hex, resumed=unfinished is not None
            )
            alive_until = state.clock() + self._dispatcher_lease_s
            state.open_runs[archive_id] = _OpenRun(ticket, alive_until, archive_uri, endpoint_id)
            open_elsewhere = {run.ticket.run_id for run in state.open_runs.values()} - {ticket.run_id}
            if state.stop_order and state.stop_order.run_id not in open_elsewhere:
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

    def wanted(self, job: Job) -> bool:
        """See `Runs.wanted`."""
        with self._state.lock:
            return job.job_id in self._jobs(job.run_id).outstanding

    def claim_recovery(self, for_s: float) -> bool:
        """See `Runs.claim_recovery`."""
        with self._state.lock:
            now = self._state.clock()
            if self._state.recovery_claimed_until > now:
                return False
            self._state.recovery_claimed_until = now + for_s
            return True

    def stalled(self, run_id: str, *, queue_is_empty: bool) -> list[Job]:
        """See `Runs.stalled`."""
        with self._state.lock:
            jobs = self._jobs(run_id)
            suspects = jobs.outstanding.keys() if queue_is_empty else jobs.started
            found = [jobs.outstanding[job_id] for job_id in suspects if self._state.holder(job_id) is None]
            jobs.started -= {job.job_id for job in found}
            return found

    def settle(self, job: Job, row: ManifestRow, token: str | None = None) -> bool:
        """See `Runs.settle`."""
        with self._state.lock:
            holder = self._state.holder(job.job_id)
            if token is not None and holder is not None and holder.token != token:
                return False
            if not self._forget(job):
                return False
            self._jobs(job.run_id).rows.append(row)
            return True

    def drop(self, job: Job, token: str | None = None) -> None:
        """See `Runs.drop`."""
        with self._state.lock:
            holder = self._state.holder(job.job_id)
            if holder is None or holder == PARKED or holder.token == token:
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

    def show_progress(self, ticket: RunTicket, progress: Progress) -> None:
        """See `Runs.show_progress`. Here it is kept as long as the process."""
        with self._state.lock:
            self._state.progress[ticket.archive_id] = progress

    def progress(self) -> list[Progress]:
        """See `Runs.progress`."""
        with self._state.lock:
            return sorted(self._state.progress.values(), key=lambda progress: progress.run_id)

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
