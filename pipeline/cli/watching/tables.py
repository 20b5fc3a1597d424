"""The parts of the picture that are lists: who works on what, and what went wrong lately."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.cli.watching.bars import at_clock, lasting
from pipeline.cli.watching.tick import Tick
from pipeline.models import State, Trouble
from pipeline.printable import printable
from pipeline.runs.base import AtWork, WorkerSummary

_WIDE = 90  # columns from which on there is room for a message
_NAMES = 4  # a name takes at most this part of the width


def workers_table(tick: Tick, most: int, width: int) -> list[RenderableType]:
    """Whoever is stuck first, then the busiest; with what each has had in work longest."""
    if not tick.workers:
        return []
    table = _table("worker", "busy", "longest in work")
    shown = sorted(tick.workers, key=lambda worker: (not worker.is_stuck, -worker.busy, worker.name))
    for worker in shown[:most]:
        busy = Text(f"{worker.busy}/{worker.slots}")
        table.add_row(_shortened(worker.name, max(12, width // _NAMES)), busy, _doing(worker, tick))
    rest = len(shown) - most
    return [Text(), table, *([Text(f"and {rest} more", style="dim")] if rest > 0 else [])]


def troubles_table(troubles: Sequence[Trouble], tick: Tick, most: int, width: int) -> list[RenderableType]:
    """The newest objects that became no transcripts, newest first; with the message where there is room."""
    if not troubles:
        return []
    table = _table("at", "what went wrong", "object", *(["message"] if width >= _WIDE else []))
    for trouble in troubles[:most]:
        style = "red" if trouble.state is State.FAILED else "magenta"
        when = "" if trouble.at is None else at_clock(trouble.at, tick.at)
        row = [Text(when), Text(printable(trouble.reason or trouble.state.value), style=style)]
        row.append(_shortened(trouble.key, width // 3))
        if width >= _WIDE:
            row.append(Text(printable(trouble.message)))
        table.add_row(*row)
    return [Text(), table]


def _table(*headings: str) -> Table:
    table = Table(box=None, expand=True, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for number, heading in enumerate(headings):
        is_last = number == len(headings) - 1
        table.add_column(heading, no_wrap=True, overflow="ellipsis", ratio=1 if is_last else None)
    return table


def _doing(worker: WorkerSummary, tick: Tick) -> Text:
    if worker.is_stuck:
        return Text("takes no jobs any more: restart it", style="bold red")
    if not worker.at_work:
        return Text("waits for jobs" if not worker.busy else "", style="dim")

    def said(work: AtWork) -> str:
        name = printable(work.uri.rstrip("/").rpartition("/")[2])
        return f"{name} {lasting(tick.seen_at.timestamp() - work.since_epoch_s)}"

    return Text(" · ".join(map(said, worker.at_work)))


def _shortened(name: str, columns: int) -> Text:
    """The end of a name, which tells one episode from another."""
    shown = printable(name)
    if cell_len(shown) <= columns:
        return Text(shown)
    kept, room = "", columns - 1
    for character in reversed(shown):
        room -= cell_len(character)
        if room < 0:
            break
        kept = character + kept
    return Text(f"…{kept}")
