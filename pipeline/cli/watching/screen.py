"""A tick as a picture of the terminal's size, made with rich. Foreign text comes in as plain text, never as markup."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.cli.watching.lines import ended_line
from pipeline.cli.watching.panels import STYLES, alarms, line, run_panel
from pipeline.cli.watching.tables import troubles_table, workers_table
from pipeline.cli.watching.tick import Tick

_PACES = 120  # looks that are remembered; no sparkline shows more
_BIG_RUNS = 2  # more open runs than this get a line each
_LIST_ROWS = 5  # what two lists take beside their rows: a line between, a heading, and how many more there are
_LEAST_ROWS = 3  # of a list, however small the terminal; the lower edge cuts what is too much


@dataclass
class Screen:
    """Draws ticks one after the other, and remembers how fast each run went."""

    console: Console
    _paces: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_PACES)))

    def draw(self, tick: Tick) -> RenderableType:
        """The whole picture of what is seen now."""
        self._remember(tick)
        width, newest_first = self.console.width, tick.open_runs[::-1]
        shown: list[RenderableType] = [_head(tick), *alarms(tick)]
        shown += [run_panel(run, tick, self._paces[run.run_id], width) for run in newest_first[:_BIG_RUNS]]
        for run in newest_first[_BIG_RUNS:]:
            shown.append(line(f"{run.archive_uri}: {run.standing.value}, {run.outstanding} outstanding", "dim"))
        if not newest_first:
            shown.append(line("No run is open; this waits for the next one. Ctrl-C ends it.", "bold"))
            shown += [line(ended_line(run, tick), STYLES[run.standing]) for run in tick.runs[::-1]]
        troubles = [trouble for run in newest_first for trouble in (run.progress.troubles if run.progress else ())]
        rows = self.console.height - len(self.console.render_lines(Group(*shown))) - _LIST_ROWS
        for_troubles = max(_LEAST_ROWS, min(len(troubles), rows // 2))
        shown += workers_table(tick, max(_LEAST_ROWS, rows - for_troubles), width)
        shown += troubles_table(troubles, tick, for_troubles, width)
        return Group(*shown)

    def _remember(self, tick: Tick) -> None:
        is_open = {run.run_id for run in tick.open_runs}
        for run_id in self._paces.keys() - is_open:
            del self._paces[run_id]
        for run in tick.open_runs:
            if run.progress and run.progress.audio_s_per_s is not None and not tick.trouble:
                self._paces[run.run_id].append(run.progress.audio_s_per_s)


def _head(tick: Tick) -> RenderableType:
    busy, slots = sum(worker.busy for worker in tick.workers), sum(worker.slots for worker in tick.workers)
    use = tick.permits
    title = Table.grid(expand=True)
    title.add_column()
    title.add_column(justify="right")
    title.add_row(Text("nightscribe watch", style="bold"), Text(f"{tick.at.astimezone():%H:%M:%S}", style="dim"))
    figures = Text.assemble(
        ("workers ", "dim"),
        (f"{len(tick.workers)}", "" if tick.workers else "bold red"),
        (f" ({busy} of {slots} busy)" if tick.workers else "", "dim"),
        ("   queue ", "dim"),
        f"{tick.queued:,}",
        ("   permits ", "dim"),
        f"{use.held} of {use.limit}",
        (f" (lowered from {use.ceiling})" if use.limit < use.ceiling else "", "yellow"),
    )
    return Group(title, figures, Text())
