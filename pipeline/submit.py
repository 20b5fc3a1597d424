"""Stage 3: jobs to the queue, between two water marks, and settled rows back, until the last object is settled.

    Job | Skip ─▶ note as outstanding ─▶ queue      (paused while high_water jobs are outstanding)
    settled rows ◀── workers                        jobs that nobody works on any more are sent again

A generator of events: whoever consumes them keeps the draft of the manifest and shows the progress. A job is
noted as outstanding before it is sent, so a message that gets lost is noticed and sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pipeline.cancellation import CancellationToken
from pipeline.errors import AccountError, ConfigurationError, RunActiveError
from pipeline.models import Job, ManifestRow, Skip
from pipeline.queue.base import JobQueue
from pipeline.runs.base import Runs, RunTicket
from pipeline.settings import QueueSettings, RunSettings

_ROWS_PER_LOOK = 500  # about half a megabyte of JSON at once
_PLAN_TICK = 500  # decisions between two looks at the clock while planning runs ahead


@dataclass(frozen=True, slots=True)
class Skipped:
    """A decision not to transcribe."""

    skip: Skip


@dataclass(frozen=True, slots=True)
class Enqueued:
    """A job went to the queue, or was there already from before."""

    job: Job


@dataclass(frozen=True, slots=True)
class SettledRow:
    """A worker has settled an object."""

    row: ManifestRow


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; `queued` messages wait and `outstanding` jobs are not settled."""

    outstanding: int
    queued: int
    planned: bool
    """Whether the plan has been worked through."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should read."""

    message: str


Event = Skipped | Enqueued | SettledRow | Tick | Notice


@dataclass(slots=True)
class Dispatch:
    """What dispatching works with, and where it stands."""

    ticket: RunTicket
    runs: Runs
    queue: JobQueue
    marks: QueueSettings
    rhythm: RunSettings
    cancel: CancellationToken
    clock: Callable[[], float]
    keep: Callable[[list[ManifestRow]], None]
    """Keeps settled rows in S3; they leave Redis only after it has returned."""
    _unkept: list[ManifestRow] = field(default_factory=list)
    _kept_at: float = 0.0
    _looked_at: float = float("-inf")
    _recovered_at: float = 0.0
    _without_worker_since: float | None = None
    _warned: bool = False

    def run(self, decisions: Iterable[Job | Skip]) -> Iterator[Event]:
        """Works through the decisions and waits for the last job.

        Raises `AccountError` when fal refuses the account, `RunActiveError` when another dispatcher has taken the
        run over, `ConfigurationError` when no worker shows itself or a worker has found something that every job
        would meet, `Cancelled` when the token is set. Whatever is raised, what was settled has been kept and what is
        outstanding stays outstanding: the run can be resumed.
        """
        self._kept_at = self._recovered_at = self.clock()
        try:
            yield from self._enqueue_all(decisions)
            while self.runs.outstanding(self.ticket.run_id):
                yield from self._look(planned=True)
                self.cancel.sleep(self.rhythm.tick_s)
            self._beat()
            yield from self._collect()
            self._obey()
        finally:
            self._keep_rows()

    def _enqueue_all(self, decisions: Iterable[Job | Skip]) -> Iterator[Event]:
        batch: list[Job] = []
        for number, decision in enumerate(decisions, 1):
            self.cancel.raise_if_cancelled()
            if isinstance(decision, Skip):
                yield Skipped(decision)
            else:
                batch.append(decision)
            if len(batch) >= self.marks.batch_size:
                yield from self._send(batch)
                batch = []
            if number % _PLAN_TICK == 0:
                yield from self._look(planned=False)
        if batch:
            yield from self._send(batch)

    def _send(self, batch: list[Job]) -> Iterator[Event]:
        run_id = self.ticket.run_id
        if self.runs.outstanding(run_id) + len(batch) > self.marks.high_water:
            while self.runs.outstanding(run_id) > self.marks.low_water:
                yield from self._look(planned=False)
                self.cancel.sleep(self.rhythm.tick_s)
        known = self.runs.known(run_id, [job.job_id for job in batch])
        fresh = [job for job in batch if job.job_id not in known]
        if fresh:
            self.runs.add(run_id, fresh)
            self.queue.put(fresh)
        for job in batch:
            yield Enqueued(job)
        yield from self._look(planned=False)

    def _look(self, *, planned: bool) -> Iterator[Event]:
        """Once per tick: heartbeat, settled rows, stop order, workers, lost jobs."""
        now = self.clock()
        if now - self._looked_at < self.rhythm.tick_s:
            return
        self._looked_at = now
        self._beat()
        yield from self._collect()
        self._obey()
        outstanding = self.runs.outstanding(self.ticket.run_id)
        queued = self.queue.depth()
        yield Tick(outstanding, queued, planned)
        if outstanding:
            yield from self._watch_workers(now)
        if outstanding and now - self._recovered_at >= self.rhythm.recover_every_s:
            self._recovered_at = now
            yield from self._recover(queued)

    def _beat(self) -> None:
        if not self.runs.beat(self.ticket):
            self._unkept = []  # these rows are the other dispatcher's now
            raise RunActiveError(f"Run {self.ticket.run_id} was taken over by another dispatcher; this one stops.")

    def _obey(self) -> None:
        if order := self.runs.stop_order():
            kind = AccountError if order.by_account else ConfigurationError
            raise kind(order.message, order.reason)

    def _collect(self) -> Iterator[Event]:
        while rows := self.runs.rows(self.ticket.run_id, len(self._unkept), _ROWS_PER_LOOK):
            self._unkept.extend(rows)
            for row in rows:
                yield SettledRow(row)
            if len(self._unkept) >= self.rhythm.segment_rows:
                self._keep_rows()
        if self.clock() - self._kept_at >= self.rhythm.segment_every_s:
            self._keep_rows()

    def _keep_rows(self) -> None:
        if self._unkept:
            self.keep(self._unkept)
            self.runs.take(self.ticket.run_id, len(self._unkept))
            self._unkept = []
        self._kept_at = self.clock()

    def _recover(self, queued: int) -> Iterator[Event]:
        stalled = self.runs.stalled(self.ticket.run_id, queue_is_empty=queued == 0)
        if stalled:
            self.queue.put(stalled)
            yield Notice(f"{len(stalled)} jobs had lost their worker or their message and were sent again.")

    def _watch_workers(self, now: float) -> Iterator[Event]:
        if self.runs.workers():
            self._without_worker_since = None
            self._warned = False
            return
        if self._without_worker_since is None:
            self._without_worker_since = now
        missing_s = now - self._without_worker_since
        if missing_s >= self.rhythm.worker_wait_s:
            raise ConfigurationError(
                f"No worker has been running for {missing_s:.0f} s, so nothing is transcribed. The jobs stay queued. "
                "Start a worker with `make worker`, then run the same command again: it goes on where it stopped.",
                "no_worker",
            )
        if missing_s >= self.rhythm.worker_warn_s and not self._warned:
            self._warned = True
            yield Notice(
                "No worker is running, so nothing is transcribed yet. Start one with `make worker` "
                f"(waiting {self.rhythm.worker_wait_s - missing_s:.0f} s more)."
            )
