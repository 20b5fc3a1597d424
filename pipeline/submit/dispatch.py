"""The dispatcher's loop: sends, waits, collects, and sends again what was lost, until nothing is outstanding."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TypeVar

from pipeline.cancellation import CancellationToken
from pipeline.errors import (
    AccountError,
    BudgetReachedError,
    ConfigurationError,
    DeadlineReachedError,
    NightscribeError,
    RunActiveError,
)
from pipeline.limits.base import BudgetUse
from pipeline.models import Job, ManifestRow, Skip, SkipReason, Untouched
from pipeline.queue.base import JobQueue
from pipeline.recovery import recover
from pipeline.runs.base import Runs, RunTicket
from pipeline.settings import QueueSettings, RunSettings
from pipeline.spending import RunBudget
from pipeline.submit.events import Enqueued, Event, LeftOut, Notice, Passed, SecondAsked, SettledRow, Skipped, Tick
from pipeline.submit.patience import Patience
from pipeline.submit.workers_watch import WorkersWatch

_ROWS_PER_LOOK = 500  # about half a megabyte of JSON at once
_PLAN_TICK = 500  # decisions between two looks at the clock while planning runs ahead

Answer = TypeVar("Answer")
Asked = Generator[Event, None, Answer]
"""Yields events while it waits, and returns an answer."""


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
    forgotten: Callable[[], Iterable[Job]]
    """The jobs that were enqueued and have not come back, as whoever reads the events knows them."""
    budget: RunBudget | None = None
    """The run's budget, opened; None without a ceiling."""
    seconds: Callable[[], Iterable[Job]] = tuple
    """The second opinions that are still to be asked for: what is settled since is none of them any more."""
    is_too_late: Callable[[], bool] = lambda: False
    """Whether the time has come from which nothing new is submitted."""
    _patience: Patience = field(init=False)
    _watch: WorkersWatch = field(init=False)
    _unkept: list[ManifestRow] = field(default_factory=list)
    _kept_at: float = 0.0
    _looked_at: float = float("-inf")
    _recovered_at: float = 0.0
    _use: BudgetUse | None = None
    _is_reached: bool = False
    _left_out: int = 0
    _sent: int = 0
    _settled: int = 0
    _missing: int = 0
    """Jobs that were sent, are not settled and not outstanding either: Redis has forgotten them."""
    _tolerated: int = 0
    """So many seem to be missing, although all are accounted for: not a reason to look through them again."""

    def __post_init__(self) -> None:
        self._patience = Patience(self.rhythm.patience_s, self.rhythm.tick_s, self.cancel, self.clock)
        self._watch = WorkersWatch(self.rhythm)

    def run(self, decisions: Iterable[Job | Skip | Untouched]) -> Iterator[Event]:
        """Works through the decisions and waits for the last job.

        Raises `AccountError` when fal refuses the account, `BudgetReachedError` when jobs are left because of the
        ceiling, `DeadlineReachedError` when they are because of the time, `RunActiveError` when another dispatcher
        has taken the run over, `ConfigurationError` when no worker shows itself or a worker has found something that
        every job would meet, `ServiceUnavailableError` when Redis is away for `run.patience_s`, `Cancelled` when the
        token is set. Whatever is raised, what was settled has been kept and what is outstanding stays outstanding:
        the run can be resumed.
        """
        self._kept_at = self._recovered_at = self.clock()
        try:
            yield from self._enqueue_all(decisions)
            yield from self._wait_for_the_last()
            yield from self._keep_rows()
        except BaseException:
            self._keep_what_is_left()
            raise

    def _enqueue_all(self, decisions: Iterable[Job | Skip | Untouched]) -> Iterator[Event]:
        batch: list[Job] = []
        for number, decision in enumerate(decisions, 1):
            self.cancel.raise_if_cancelled()
            if isinstance(decision, Untouched):
                yield Passed(decision)
            elif isinstance(decision, Skip):
                self._left_out += decision.reason is SkipReason.AFTER_DEADLINE
                yield Skipped(decision)
            else:
                batch.append(decision)
            if len(batch) >= self.marks.batch_size:
                yield from self._send(batch)
                batch = []
            if number % _PLAN_TICK == 0 or isinstance(decision, Untouched):
                yield from self._look(planned=False)
                yield from self._send_missing()
        if batch:
            yield from self._send(batch)

    def _send(self, batch: list[Job]) -> Iterator[Event]:
        yield from self._wait_for_room(len(batch))
        if self._is_closed:
            self._left_out += len(batch)
            yield from map(LeftOut, batch)
        else:
            yield from self._put_those_unknown(batch)
            for job in batch:
                self._sent += 1
                yield Enqueued(job)
        yield from self._look(planned=False)
        yield from self._send_missing()

    @property
    def _is_closed(self) -> bool:
        """Whether nothing new is sent any more."""
        return self._is_reached or self.is_too_late()

    def _wait_for_room(self, count: int) -> Iterator[Event]:
        if (yield from self._outstanding()) + count > self.marks.high_water:
            while not self._is_closed and (yield from self._outstanding()) > self.marks.low_water:
                yield from self._look(planned=False)
                self.cancel.sleep(self.rhythm.tick_s)

    def _put_those_unknown(self, batch: list[Job]) -> Asked[int]:
        """Sends the jobs that are not outstanding already; how many."""
        run_id = self.ticket.run_id
        known = yield from self._ask(lambda: self.runs.known(run_id, [job.job_id for job in batch]))
        fresh = [job for job in batch if job.job_id not in known]
        if fresh:
            yield from self._ask(lambda: self.runs.add(run_id, fresh))
            yield from self._ask(lambda: self.queue.put(fresh))
        return len(fresh)

    def _send_missing(self) -> Iterator[Event]:
        """While there is still a plan to work through: what Redis has forgotten is not left until its end."""
        if self._missing > self._tolerated and not self._is_closed:
            missing = self._missing
            if not (yield from self._send_again()):
                self._tolerated = missing

    def _send_again(self) -> Asked[int]:
        """Sends what was enqueued, is not settled, and is not outstanding any more; how many."""
        count = 0
        jobs = iter(self.forgotten())
        while not self._is_closed and (batch := list(islice(jobs, self.marks.batch_size))):
            yield from self._wait_for_room(len(batch))
            count += yield from self._put_those_unknown(batch)
        self._missing = 0
        if count:
            yield Notice(f"{self._why_again(count)}; they were sent again.")
        return count

    def _why_again(self, count: int) -> str:
        """A run that is taken over finds jobs that workers do not submit any more, for its earlier night is over."""
        is_older = self.ticket.resumed
        return f"Redis had forgotten {count} jobs" + (", or their earlier deadline had passed" if is_older else "")

    def _send_seconds(self) -> Asked[int]:
        """Sends the second opinions that are due; how many. One that Redis has forgotten is due still."""
        count = 0
        jobs = iter(self.seconds())
        while not self._is_closed and (batch := list(islice(jobs, self.marks.batch_size))):
            yield from self._wait_for_room(len(batch))
            count += yield from self._put_those_unknown(batch)
            yield from map(SecondAsked, batch)
        return count

    def _wait_for_the_last(self) -> Iterator[Event]:
        while True:
            while (yield from self._outstanding()):
                yield from self._look(planned=True)
                self.cancel.sleep(self.rhythm.tick_s)
            yield from self._catch_up()
            yield Tick(0, 0, True, self._use)  # the last word, with what the last job has cost
            if self._is_closed:
                if self._left_out or next(iter(self.forgotten()), None) or next(iter(self.seconds()), None):
                    raise self._closed()
                return
            has_sent = (yield from self._send_again()) or (yield from self._send_seconds())
            if not has_sent and not self._is_closed:  # closed since it was asked: what is left then is to be said
                return

    def _closed(self) -> BudgetReachedError | DeadlineReachedError:
        if self._is_reached:
            return BudgetReachedError(f"The ceiling of run {self.ticket.run_id} is reached.")
        return DeadlineReachedError(f"The time of run {self.ticket.run_id} is over.")

    def _look(self, *, planned: bool) -> Iterator[Event]:
        """Once per tick: heartbeat, settled rows, stop order, budget, workers, lost jobs."""
        now = self.clock()
        if now - self._looked_at < self.rhythm.tick_s:
            return
        self._looked_at = now
        yield from self._catch_up()
        outstanding = yield from self._outstanding()
        yield Tick(outstanding, (yield from self._ask(self.queue.depth)), planned, self._use)
        if not outstanding:
            return
        yield from self._watch.look((yield from self._ask(self.runs.workers)), now)
        if now - self._recovered_at >= self.rhythm.recover_every_s:
            self._recovered_at = now
            yield from self._recover()

    def _catch_up(self) -> Iterator[Event]:
        yield from self._beat()
        # Asked before the rows: a job that is in neither of them is nowhere.
        outstanding = yield from self._outstanding()
        yield from self._collect()
        yield from self._obey()
        yield from self._look_at_budget()
        self._missing = max(0, self._sent - self._settled - outstanding)

    def _beat(self) -> Iterator[Event]:
        if not (yield from self._ask(lambda: self.runs.beat(self.ticket))):
            self._unkept = []  # these rows are the other dispatcher's now
            raise RunActiveError(f"Run {self.ticket.run_id} was taken over by another dispatcher; this one stops.")

    def _obey(self) -> Iterator[Event]:
        order = yield from self._ask(self.runs.stop_order)
        if order is not None and order.stops(self.ticket.run_id):
            kind = AccountError if order.by_account else ConfigurationError
            raise kind(order.message, order.reason)

    def _collect(self) -> Iterator[Event]:
        run_id = self.ticket.run_id
        while rows := (yield from self._ask(lambda: self.runs.rows(run_id, len(self._unkept), _ROWS_PER_LOOK))):
            self._unkept.extend(rows)
            for row in rows:
                self._settled += 1
                if self.budget:
                    yield from self._ask(partial(self.budget.settle, row))
                yield SettledRow(row)
            if len(self._unkept) >= self.rhythm.segment_rows:
                yield from self._keep_rows()
        if self.clock() - self._kept_at >= self.rhythm.segment_every_s:
            yield from self._keep_rows()

    def _keep_rows(self) -> Iterator[Event]:
        if self._unkept:
            self.keep(self._unkept)
            yield from self._ask(self._take)
            self._unkept = []
        self._kept_at = self.clock()

    def _take(self) -> None:
        """Removes the kept rows from Redis; not from one that was emptied since, for it holds other rows now."""
        if self.runs.rows(self.ticket.run_id, 0, 1) == self._unkept[:1]:
            self.runs.take(self.ticket.run_id, len(self._unkept))

    def _keep_what_is_left(self) -> None:
        """After an error, which is what matters: rows that cannot be kept now stay in Redis."""
        if self._unkept:
            with suppress(NightscribeError):
                self.keep(self._unkept)
                self._take()
            self._unkept = []

    def _look_at_budget(self) -> Iterator[Event]:
        if self.budget is None:
            return
        use = yield from self._ask(self.budget.use)
        if use is None:
            yield from self._keep_rows()
            yield from self._ask(self.budget.open)
            yield Notice("Redis had forgotten what the run has spent; it was added up again from S3.")
            use = yield from self._ask(self.budget.use)
        self._use = use or self._use
        self._is_reached = self._is_reached or (use is not None and use.is_reached)

    def _recover(self) -> Iterator[Event]:
        sent = yield from self._ask(lambda: recover(self.runs, self.queue, every_s=self.rhythm.recover_every_s))
        if count := sent.get(self.ticket.run_id):
            yield Notice(f"{count} jobs had lost their worker or their message and were sent again.")

    def _outstanding(self) -> Asked[int]:
        return (yield from self._ask(lambda: self.runs.outstanding(self.ticket.run_id)))

    def _ask(self, call: Callable[[], Answer]) -> Asked[Answer]:
        return (yield from self._patience.ask(call))
