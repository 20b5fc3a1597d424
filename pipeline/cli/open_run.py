"""A run while it lasts: where the stages are joined, in the order of the flow, and what is kept in S3 meanwhile.

discover ─▶ plan ─▶ submit (queue, workers, rows back) ─▶ manifest
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from uuid import uuid4

from pipeline import keys, manifest, tracing
from pipeline.cancellation import CancellationToken
from pipeline.cli.lost_rows import LostRows
from pipeline.cli.outcome import Outcome
from pipeline.cli.run_report import RunReport
from pipeline.cli.session import Session
from pipeline.cli.wishes import Wish, decisions, now
from pipeline.delivery import check_delivery
from pipeline.errors import (
    BudgetReachedError,
    ConfigurationError,
    DeadlineReachedError,
    RunActiveError,
    ServiceUnavailableError,
)
from pipeline.limits.base import Ceiling
from pipeline.manifest import Draft, Newest, RunFacts, Segments
from pipeline.models import (
    Job,
    ManifestRow,
    RecipeStamp,
    Skip,
    SkipReason,
    State,
    UnfinishedRun,
    Untouched,
)
from pipeline.plan import left_over, planned_again, planned_row, second_job, settled_over
from pipeline.runs.base import RunTicket
from pipeline.spending import RunBudget, SpendingRun
from pipeline.storage.base import Storage
from pipeline.storage.conditions import check_conditional_writes
from pipeline.storage.patient import PatientStorage
from pipeline.submit import Dispatch, Enqueued, Event, LeftOut, Notice, SettledRow, Skipped
from pipeline.unfinished import Noted, OpenRunNote
from pipeline.wiring.dispatcher import DispatcherParts
from pipeline.wiring.speech import open_transcriber

_ROWS_AT_ONCE = 500
_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass
class OpenRun:
    """A run whose one dispatcher this process is."""

    session: Session
    wish: Wish
    parts: DispatcherParts
    ticket: RunTicket
    cancel: CancellationToken
    outcome: Outcome
    _storage: Storage = field(init=False)
    _segments: Segments = field(init=False)
    _notices: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outcome.run_id = self.ticket.run_id
        # It has answered once, or the run would not be open: from here on its being away is waited for.
        self._storage = PatientStorage(
            self.session.storage,
            for_s=self.session.settings.run.patience_s,
            cancel=self.cancel,
            clock=time.monotonic,
        )
        self._segments = Segments(self._storage, self.wish.output, self.wish.archive, self.ticket.run_id)

    def events(self, note: OpenRunNote, noted: Noted | None, started_at: datetime) -> Iterator[Event]:
        """See `ArchiveRun.events`. `noted` is what `note` held before; `started_at` counts for a new run."""
        tracing.begin(self.session.environment, "nightscribe")
        endpoint_id, ticket = self.wish.recipe.endpoint_id, self.ticket
        try:
            with tracing.run(ticket.run_id, archive=self.wish.uri, endpoint=endpoint_id, resumed=ticket.resumed):
                yield from self._events(note, noted, started_at)
        finally:
            tracing.flush()

    def _events(self, note: OpenRunNote, noted: Noted | None, started_at: datetime) -> Iterator[Event]:
        before = noted.run if noted and noted.run.run_id == self.ticket.run_id else None
        facts = UnfinishedRun(
            run_id=self.ticket.run_id,
            recipe=self.ticket.recipe_hash,
            started_at=before.started_at if before else started_at,
            has_ceiling=self.wish.ceiling is not None,
        )
        request = self.wish.request(self.ticket.run_id, budgeted=facts.has_ceiling)
        with Draft() as settled, Draft() as draft:
            if self.ticket.resumed:
                self._read_what_was_settled(settled)
            budget = self._open_budget(facts, before)
            base = manifest.read_newest(self._storage, self.wish.output, self.wish.archive)
            planned = decisions(
                self._storage,
                self.session.settings,
                self.wish,
                request=request,
                last=base.manifest,
                settled=settled.rows(),
            )
            dispatch = Dispatch(
                ticket=self.ticket,
                runs=self.parts.runs,
                queue=self.parts.queue,
                marks=self.session.settings.queue,
                rhythm=self.session.settings.run,
                cancel=self.cancel,
                clock=time.monotonic,
                keep=self._keep,
                forgotten=lambda: (planned_again(row, request, now()) for row in draft.unsettled()),
                budget=budget,
                seconds=lambda: filter(None, (second_job(row, request, now()) for row in draft.suspect())),
                is_too_late=lambda: self.wish.handling.is_too_late(now()),
            )
            lost = LostRows(settled, self._keep, budget)
            try:
                steps = dispatch.run(self._before_the_first(planned, lambda: note.write(facts, noted)))
                yield from self._told(steps, draft, lost)
                yield from self._finish(draft, base, facts.started_at)
                note.remove(self.ticket.run_id)
            except (BudgetReachedError, DeadlineReachedError) as error:
                self.outcome.shortfall.count(draft, request, self.session.settings.audio, now())
                if isinstance(error, BudgetReachedError) and not self.wish.is_a_night:
                    raise
                lost.keep_all()
                self._leave(draft, base, SkipReason(error.reason))
                yield from self._finish(draft, base, facts.started_at)
                note.remove(self.ticket.run_id)
                raise
            finally:
                if budget and not self.can_be_continued:
                    with suppress(ServiceUnavailableError):  # it is in nobody's way
                        budget.close()

    @property
    def can_be_continued(self) -> bool:
        """Whether something is left for the next dispatcher; a run that ended before its first job leaves nothing."""
        return self.outcome.manifest is None and (self.outcome.has_begun or self.ticket.resumed)

    def _read_what_was_settled(self, settled: Draft) -> None:
        """What earlier dispatchers of this run have kept, and what workers have handed in since."""
        newest: list[ManifestRow] = []
        for newest in self._kept_batches():
            for row in newest:
                settled.put(settled_over(settled.get(row.key), row))
        self._forget_intents(newest)  # the earlier dispatcher may have died between the two halves of `_keep`
        runs = self.parts.runs
        while rows := runs.rows(self.ticket.run_id, 0, _ROWS_AT_ONCE):
            self._keep(rows)
            runs.take(self.ticket.run_id, len(rows))
            for row in rows:
                settled.put(settled_over(settled.get(row.key), row))

    def _kept_batches(self) -> Iterator[list[ManifestRow]]:
        """The segments; there may be hundreds, so that this process shows in between that it is alive."""
        for rows in self._segments.batches():
            if not self.parts.runs.beat(self.ticket):
                raise RunActiveError(f"Run {self.ticket.run_id} was taken over by another dispatcher; this one stops.")
            yield rows

    def _kept_rows(self) -> Iterator[ManifestRow]:
        return chain.from_iterable(self._kept_batches())

    def _open_budget(self, facts: UnfinishedRun, before: UnfinishedRun | None) -> RunBudget | None:
        """The run's budget, opened. Raises `ConfigurationError` when jobs are under way that would not heed one."""
        had_ceiling = before is not None and before.has_ceiling
        if not (facts.has_ceiling or had_ceiling):
            return None
        if not had_ceiling and (unbound := self.parts.runs.outstanding(self.ticket.run_id)):
            raise ConfigurationError(
                f"Run {self.ticket.run_id} began without a ceiling, and {unbound} of its jobs are with the workers, "
                "which would not heed one. Let the workers finish these (nightscribe status), then run the command "
                "again; or run it without --max-cost and --max-audio-hours.",
                "began_without_ceiling",
            )
        spender = SpendingRun(
            run_id=self.ticket.run_id,
            output=self.wish.output,
            # A run of which only Redis knew has intents of unknown age.
            started_at=_LONG_AGO if self.ticket.resumed and not before else facts.started_at,
            # Jobs that were sent under a ceiling ask for the budget also when the run goes on without one.
            ceiling=self.wish.ceiling or Ceiling(),
        )
        settings = self.session.settings
        budget = RunBudget(spender, self.parts.budget, self._storage, settings, self._kept_rows, self.wish.prices)
        budget.open()
        return budget

    def _before_the_first(
        self, planned: Iterator[Job | Skip | Untouched], write_note: Callable[[], object]
    ) -> Iterator[Job | Skip | Untouched]:
        """Judges the delivery, asks fal about the key, if there is one, tries the store, notes the run; given a job."""
        for decision in planned:
            if isinstance(decision, Job) and not self.outcome.has_begun:
                self._tell(check_delivery(self.wish.handling, self._storage, self.session.settings, now()))
                if self.session.has_key:
                    with closing(open_transcriber(self.session.settings, self.session.environment)) as transcriber:
                        transcriber.check_key()
                self._check_store()
                write_note()
                self.outcome.has_begun = True
            yield decision

    def _check_store(self) -> None:
        output, settings = self.wish.output, self.session.settings.s3
        self._tell(
            check_conditional_writes(
                self._storage,
                output.bucket,
                keys.probe_key(output, uuid4().hex),
                exclusivity_by_redis_alone=settings.exclusivity_by_redis_alone,
            )
        )

    def _tell(self, warning: str | None) -> None:
        if warning:
            self._notices.append(Notice(warning))

    def _told(self, events: Iterator[Event], draft: Draft, lost: LostRows) -> Iterator[Event]:
        """Keeps the draft; a row that is told twice is passed on once."""
        for event in events:
            while self._notices:
                yield self._notices.pop()
            match event:
                case Skipped(skip):
                    self._note_skip(skip, draft, lost)
                case Enqueued(job) | LeftOut(job):
                    draft.put(planned_row(job))
                case SettledRow(row):
                    before = draft.get(row.key)
                    after = settled_over(before, row)
                    draft.put(after)
                    is_known = before is not None and before.job_id == after.job_id and not before.is_unsettled
                    if before and is_known and (row.job_id == before.job_id or after == before.row()):
                        continue
            yield event
        lost.keep_all()

    def _note_skip(self, skip: Skip, draft: Draft, lost: LostRows) -> None:
        """What the last manifest says already is no change."""
        row = skip.row
        if skip.reason is SkipReason.AFTER_DEADLINE:
            self.outcome.shortfall.add_left(row, self.session.settings.audio)
        if skip.reason is SkipReason.GONE:
            draft.remove(row.key)
        elif isinstance(row, ManifestRow):
            draft.put(row)
            if row.run_id == self.ticket.run_id:
                lost.add(row)
        elif row.is_news:
            draft.put(row)

    def _keep(self, rows: list[ManifestRow]) -> None:
        """Rows first: an intent is the only other proof of what was paid."""
        self._segments.append(rows)
        self._forget_intents(rows)

    def _forget_intents(self, rows: list[ManifestRow]) -> None:
        output = self.wish.output
        done = [keys.intent_key(output, row.job_id) for row in rows if row.state is State.DONE and row.job_id]
        if done:
            self._storage.delete_many(output.bucket, done)

    def _leave(self, draft: Draft, base: Newest, reason: SkipReason) -> None:
        """What was not settled waits for the next run, which is a new one."""
        before = manifest.remembered(self._storage, base.manifest) if base.manifest else ()
        for row in left_over(draft.unsettled(), before, reason):
            draft.put(row)

    def _finish(self, draft: Draft, base: Newest, started_at: datetime) -> Iterator[Event]:
        left = self.outcome.shortfall.left  # failures among them are none that a complete manifest would tell of
        if draft.is_empty and base.manifest is not None and not (left and base.manifest.complete):
            manifest.confirm(self._storage, self.wish.output, self.wish.archive, base, now=now())
            self.outcome.manifest = base.manifest
            return
        stamp = RecipeStamp.of(self.wish.recipe)
        facts = RunFacts(self.ticket.run_id, self.wish.archive, self.wish.output, stamp, started_at, left)
        part_rows, report = self.session.settings.run.part_rows, RunReport(facts)
        made = manifest.finish(self._storage, draft, facts, base, now=now(), part_rows=part_rows, onlooker=report)
        self.outcome.manifest = made
        self.outcome.report_uri, trouble = report.write(self.session.storage, made, self.wish.price)
        yield from [Notice(trouble)] if trouble else []
