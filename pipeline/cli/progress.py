"""Progress of a run: a rich bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.models import ManifestRow, State
from pipeline.submit import Enqueued, Event, Notice, SettledRow, Skipped, Tick

_SECONDS_PER_HOUR = 3600.0


@dataclass
class Counts:
    """What has happened so far, folded from events."""

    skipped: int = 0
    failed_in_plan: int = 0
    """Faults that the listing itself shows, seen for the first time."""
    enqueued: int = 0
    done: int = 0
    failed: int = 0
    uncertain: int = 0
    outstanding: int = 0
    queued: int = 0
    audio_s: float = 0.0
    cost_usd: float = 0.0
    cost_unknown: bool = False
    planned: bool = False
    started_at: float = field(default_factory=time.monotonic)

    def add(self, event: Event) -> None:
        """Folds one event in."""
        match event:
            case Skipped(skip):
                news = skip.row.state is State.FAILED and skip.reason.value == skip.row.reason
                self.failed_in_plan += news
                self.skipped += not news
            case Enqueued():
                self.enqueued += 1
            case SettledRow(row):
                self.outstanding = max(0, self.outstanding - 1)  # until the next tick counts anew
                self._add_row(row)
            case Tick(outstanding, queued, planned):
                self.outstanding, self.queued, self.planned = outstanding, queued, planned

    def _add_row(self, row: ManifestRow) -> None:
        self.done += row.state is State.DONE
        self.failed += row.state is State.FAILED
        self.uncertain += row.state is State.UNCERTAIN
        if row.state is State.DONE:
            self.audio_s += row.duration_s or 0.0
            self.cost_usd += row.cost_usd or 0.0
            self.cost_unknown = self.cost_unknown or row.cost_usd is None

    @property
    def settled(self) -> int:
        """Jobs that have ended, well or badly."""
        return self.done + self.failed + self.uncertain

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
        return (self.enqueued - self.settled) * self.elapsed_s / self.settled

    def line(self) -> str:
        """The state in one line."""
        left = "" if self.left_s is None else f", about {_clock(self.left_s)} left"
        uncertain = f", {self.uncertain} uncertain" if self.uncertain else ""
        return (
            f"{self.done} done, {self.failed + self.failed_in_plan} failed{uncertain}, {self.in_flight} in flight, "
            f"{self.queued} queued, {self.skipped} skipped | {self.audio_s / _SECONDS_PER_HOUR:.2f} h audio, "
            f"{self.audio_hours_per_hour:.1f} h/h, {self.cost_line()}{left}"
        )

    def cost_line(self) -> str:
        """The cost so far, and whether some of it is not known."""
        if self.cost_unknown:
            return "cost unknown" if not self.cost_usd else f"{self.cost_usd:.4f} USD and some unknown"
        return f"{self.cost_usd:.4f} USD"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


class PlainProgress:
    """Lines on standard error, at most one per interval; for logs and pipes."""

    def __init__(self, every_s: float) -> None:
        self.counts = Counts()
        self._every_s = every_s
        self._said_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        click.echo(self.counts.line(), err=True)

    def show(self, event: Event) -> None:
        """Counts the event, and says so when it is time."""
        self.counts.add(event)
        if isinstance(event, Notice):
            click.echo(event.message, err=True)
        now = time.monotonic()
        if now - self._said_at >= self._every_s:
            self._said_at = now
            click.echo(self.counts.line(), err=True)


class BarProgress:
    """A bar with the figures below it, on a terminal."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
            console=self._console,
            expand=True,
        )
        self._task: TaskID = self._bar.add_task("planning", total=None)
        self._live = Live(console=self._console, get_renderable=self._view, refresh_per_second=5, transient=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        """Counts the event; the display refreshes itself."""
        self.counts.add(event)
        if isinstance(event, Notice):
            self._live.console.print(event.message, markup=False)
        counts = self.counts
        self._bar.update(
            self._task,
            description="transcribing" if counts.planned else "planning",
            total=counts.enqueued or None,
            completed=counts.settled,
        )

    def _view(self) -> Table:
        table = Table.grid(expand=True)
        table.add_row(self._bar)
        table.add_row(self.counts.line())
        return table


def make_progress(every_s: float) -> PlainProgress | BarProgress:
    """The bar on a terminal, lines elsewhere."""
    return BarProgress() if sys.stderr.isatty() else PlainProgress(every_s)
