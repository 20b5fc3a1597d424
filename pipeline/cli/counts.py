"""What has happened in a run so far: events folded into figures, and the figures into a line."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from pipeline.cli.ceilings import used
from pipeline.limits.base import BudgetUse, Ceiling
from pipeline.models import ManifestRow, Skip, SkipReason, State, Untouched
from pipeline.plan import RESULT_EXPIRED
from pipeline.submit import Enqueued, Event, Passed, SecondAsked, SettledRow, Skipped, Tick

_SECONDS_PER_HOUR = 3600.0


@dataclass
class Counts:
    """What has happened so far, folded from events."""

    skipped: int = 0
    gone: int = 0
    """Objects of the last manifest that the archive has no more."""
    failed_in_plan: int = 0
    """Faults that the listing itself shows, seen for the first time."""
    enqueued: int = 0
    done: int = 0
    failed: int = 0
    uncertain: int = 0
    left_pending: int = 0
    """Settled without a request: their length is unknown, so that no ceiling could hold them."""
    expired: int = 0
    """Failures whose result was paid for and forgotten by fal; only a person decides to pay again."""
    suspect: int = 0
    """Transcripts that read wrong, those that a second opinion has replaced since among them."""
    seconds: int = 0
    """Second opinions that were asked for."""
    seconds_settled: int = 0
    replaced: int = 0
    """Suspect transcripts that a second opinion has taken the place of."""
    by_reason: Counter[str] = field(default_factory=Counter)
    """Objects that did not become transcripts in this run, by reason."""
    outstanding: int = 0
    queued: int = 0
    audio_s: float = 0.0
    cost_usd: float = 0.0
    cost_unknown: bool = False
    planned: bool = False
    budget: BudgetUse | None = None
    started_at: float = field(default_factory=time.monotonic)

    def add(self, event: Event) -> None:
        """Folds one event in."""
        match event:
            case Skipped(Skip(SkipReason.GONE)):
                self.gone += 1
            case Skipped(Skip(SkipReason.AFTER_DEADLINE)):
                pass  # it is left, and told as that
            case Skipped(skip):
                news = skip.row.state is State.FAILED and skip.reason.value == skip.row.reason
                self.failed_in_plan += news
                if news:
                    self.by_reason[skip.reason.value] += 1
                self.skipped += not news
                self.expired += skip.row.state is State.FAILED and skip.row.reason == RESULT_EXPIRED
            case Passed(Untouched(objects)):
                self.skipped += objects
            case Enqueued():
                self.enqueued += 1
            case SecondAsked():
                self.seconds += 1
            case SettledRow(row):
                self.outstanding = max(0, self.outstanding - 1)  # until the next tick counts anew
                self._add_row(row)
            case Tick(outstanding, queued, planned, budget):
                self.outstanding, self.queued, self.planned = outstanding, queued, planned
                self.budget = budget if budget and budget.ceiling != Ceiling() else None

    def _add_row(self, row: ManifestRow) -> None:
        if row.stands_for is not None:
            self.seconds_settled += 1
            self.replaced += row.state is State.DONE
            self.cost_usd += row.cost_usd or 0.0
            return
        if row.state is not State.DONE:
            self.by_reason[row.reason or "unknown"] += 1
        self.suspect += row.state is State.DONE and bool(row.suspect)
        self.done += row.state is State.DONE
        self.failed += row.state is State.FAILED
        self.uncertain += row.state is State.UNCERTAIN
        self.left_pending += row.state is State.PENDING
        self.expired += row.state is State.FAILED and row.reason == RESULT_EXPIRED
        if row.state is State.DONE:
            self.audio_s += row.duration_s or 0.0
            self.cost_usd += row.cost_usd or 0.0
            self.cost_unknown = self.cost_unknown or row.cost_usd is None

    @property
    def settled(self) -> int:
        """Jobs that have ended, well or badly."""
        return self.done + self.failed + self.uncertain + self.left_pending + self.seconds_settled

    @property
    def has_failures(self) -> bool:
        """Whether any object failed in this run, or is uncertain."""
        return bool(self.failed + self.failed_in_plan + self.uncertain)

    @property
    def still_suspect(self) -> int:
        """Transcripts that read wrong and stand; a second opinion may also have replaced those of an earlier run."""
        return max(0, self.suspect - self.replaced)

    @property
    def in_flight(self) -> int:
        """Jobs that workers hold now."""
        return max(0, self.outstanding - self.queued)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started_at

    @property
    def audio_hours_per_hour(self) -> float:
        """How much faster than listening."""
        return self.audio_s / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds until the end at the pace so far; None while planning or before the first result."""
        if not self.planned or not self.settled:
            return None
        return (self.enqueued + self.seconds - self.settled) * self.elapsed_s / self.settled

    def line(self) -> str:
        """The state in one line."""
        left = "" if self.left_s is None else f", about {_clock(self.left_s)} left"
        uncertain = f", {self.uncertain} uncertain" if self.uncertain else ""
        suspect = f", {self.still_suspect} suspect" if self.suspect else ""
        ceiling = f", {used(self.budget)} used" if self.budget else ""
        return (
            f"{self.done} done{suspect}, {self.failed + self.failed_in_plan} failed{uncertain}, "
            f"{self.in_flight} in flight, {self.queued} queued, {self.skipped} skipped | "
            f"{self.audio_s / _SECONDS_PER_HOUR:.2f} h audio, "
            f"{self.audio_hours_per_hour:.1f} h/h, {self.cost_line()}{ceiling}{left}"
        )

    def hints(self) -> list[str]:
        """What a person should know and do about objects that are neither done nor simply failed."""
        said = []
        if self.left_pending:
            said.append(
                f"{self.left_pending} objects were not submitted: their length is unknown, so that no ceiling could "
                "hold them. Run without --max-cost and --max-audio-hours to transcribe them."
            )
        if self.expired:
            said.append(
                f"{self.expired} objects have a result that was paid for and that fal has forgotten. To pay for them "
                "again: nightscribe retry-failed --allow-rebill."
            )
        return said

    def seconds_line(self) -> str:
        """What came of the second opinions."""
        in_vain = self.seconds_settled - self.replaced
        asked = max(self.seconds, self.seconds_settled)
        return f"{asked} second opinions: {self.replaced} took the first one's place, {in_vain} did not"

    def cost_line(self) -> str:
        """The cost so far, and whether some of it is not known."""
        if self.cost_unknown:
            return "cost unknown" if not self.cost_usd else f"{self.cost_usd:.4f} USD and some unknown"
        return f"{self.cost_usd:.4f} USD"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
