"""Progress of a run: a rich bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.cli.counts import Counts
from pipeline.cli.unheard import heard_or_not
from pipeline.printable import printable
from pipeline.submit import Event, Notice


class PlainProgress:
    """Lines on standard error, at most one per interval; for logs and pipes."""

    def __init__(self, every_s: float, counts: Counts) -> None:
        self.counts = counts
        self._every_s = every_s
        self._said_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._say(self.counts.line())

    def show(self, event: Event) -> None:
        """Says how far it is when it is time; the event is counted already."""
        if isinstance(event, Notice):
            self._say(printable(event.message))
        now = time.monotonic()
        if now - self._said_at >= self._every_s:
            self._said_at = now
            self._say(self.counts.line())

    def _say(self, line: str) -> None:
        with heard_or_not():
            click.echo(line, err=True)


class BarProgress:
    """A bar with the figures below it, on a terminal."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts
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
        """Moves the bar; the display refreshes itself. The event is counted already."""
        if isinstance(event, Notice):
            self._live.console.print(printable(event.message), markup=False)
        counts = self.counts
        self._bar.update(
            self._task,
            description="transcribing" if counts.planned else "planning",
            total=(counts.enqueued + counts.seconds) or None,
            completed=counts.settled,
        )

    def _view(self) -> Table:
        table = Table.grid(expand=True)
        table.add_row(self._bar)
        table.add_row(self.counts.line())
        return table


def said_every(interval_s: float) -> Callable[[str], None]:
    """Says a line of progress on standard error, at most one per interval and none before the first is over."""
    said_at = time.monotonic()

    def say(line: str) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= interval_s:
            said_at = time.monotonic()
            click.echo(line, err=True)

    return say


def make_progress(every_s: float, counts: Counts) -> PlainProgress | BarProgress:
    """The bar on a terminal, lines elsewhere. `counts` is what the run counts in."""
    return BarProgress(counts) if sys.stderr.isatty() else PlainProgress(every_s, counts)
