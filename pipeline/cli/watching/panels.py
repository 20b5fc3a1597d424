"""The part of the picture that is about one run, and the alarms."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipeline.cli.watching.bars import DONE, OPEN, UNDER_WAY, lasting, sparkline, stacked, usd
from pipeline.cli.watching.lines import ABANDONED, NO_WORKER, counted, ending, in_flight, remedy
from pipeline.cli.watching.tick import Standing, Tick, WatchedRun
from pipeline.models import Phase, Progress, State
from pipeline.printable import printable

_FRAME = 4  # columns of a panel
_SPARK, _COST_BAR = 24, 16  # columns
_MICRO = 1e6  # dollars, so that bars have whole numbers
STYLES = {
    Standing.PLANNING: "cyan",
    Standing.TRANSCRIBING: "green",
    Standing.ABANDONED: "bold red",
    Standing.DONE: "green",
    Standing.STOPPED: "yellow",
    Standing.VANISHED: "yellow",
}
_SETTLED = {State.DONE: "green", State.FAILED: "red", State.UNCERTAIN: "magenta", State.PENDING: "yellow"}


def run_panel(run: WatchedRun, tick: Tick, paces: Iterable[float], width: int) -> RenderableType:
    """All about an open run, `width` columns wide. `paces` are those of the last looks, oldest first."""
    progress, style, inner = run.progress, STYLES[run.standing], width - _FRAME
    title = Text(printable(run.archive_uri), style="bold")
    title.truncate(inner - _FRAME, overflow="ellipsis")
    named = Text.assemble((run.standing.value, style), f"  {printable(run.endpoint_id)}  ", (run.run_id, "dim"))
    named.truncate(inner, overflow="ellipsis")
    body: list[RenderableType] = [named]
    if run.standing is Standing.ABANDONED:
        heard = f" Last heard {lasting((tick.at - progress.updated_at).total_seconds())} ago." if progress else ""
        body.append(Text(f"{ABANDONED[0].upper()}{ABANDONED[1:]}.{heard}", style="red"))
    if progress is None:
        body.append(Text(f"{run.outstanding} jobs outstanding"))
    else:
        body += [_bar(progress, inner), Text(counted(progress)), _figures(run, progress, tick, paces, inner)]
    return Panel(Group(*body), title=title, title_align="left", border_style=style, width=width)


def alarms(tick: Tick) -> list[RenderableType]:
    """What somebody should act upon, worst first."""
    found: list[RenderableType] = []
    if tick.trouble:
        since = f"{tick.seen_at.astimezone():%H:%M:%S}"
        text = f"{tick.trouble} What is shown is of {since}; this goes on by itself when Redis is back."
        found.append(_alarm("Redis is away", text, "yellow"))
    if tick.stop_order:
        found.append(_alarm("stopped", f"{tick.stop_order.message} {remedy(tick)}", "red"))
    if tick.open_runs and not tick.workers:
        found.append(line(NO_WORKER, "bold red"))
    return found


def line(text: str, style: str) -> RenderableType:
    """A sentence with an empty line after it."""
    return Padding(Text(printable(text), style=style), (0, 0, 1, 0))


def _alarm(title: str, text: str, style: str) -> RenderableType:
    return Panel(Text(printable(text)), title=title, title_align="left", border_style=f"bold {style}", style=style)


def _bar(progress: Progress, width: int) -> Text:
    settled = [(progress.by_state.get(state.value, 0), DONE, style) for state, style in _SETTLED.items()]
    parts = [*settled, (in_flight(progress), UNDER_WAY, "cyan"), (progress.queued, OPEN, "bright_black")]
    total, ended = (sum(number for number, *_ in some) for some in (parts, settled))
    # While it plans nobody knows of how many.
    share = f" {100 * ended // total:3d} %" if total and progress.phase is not Phase.PLANNING else " …"
    return stacked(parts, max(1, width - len(share))) + Text(share, style="bold")


def _figures(run: WatchedRun, progress: Progress, tick: Tick, paces: Iterable[float], width: int) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    pace = "–" if progress.audio_s_per_s is None else f"{progress.audio_s_per_s:.1f} h/h"
    spark = sparkline(paces, min(_SPARK, width // 2))
    table.add_row("pace", Text.assemble((pace, "bold"), "  ", (spark, "cyan")))
    table.add_row("audio", Text(f"{progress.audio_s / 3600:.2f} h"))
    table.add_row("cost", _cost(progress))
    table.add_row("end", Text(ending(run, tick)))
    return table


def _cost(progress: Progress) -> Text:
    unknown = " and some unknown" if progress.cost_unknown else ""
    if progress.ceiling_usd is None:
        told = Text(f"{usd(progress.cost_usd)} USD{unknown}")
    else:
        free = max(0.0, progress.ceiling_usd - progress.spent_usd - progress.reserved_usd)
        spent, reserved = (round(amount * _MICRO) for amount in (progress.spent_usd, progress.reserved_usd))
        shares = ((spent, DONE, "yellow"), (reserved, UNDER_WAY, "cyan"), (round(free * _MICRO), OPEN, "bright_black"))
        told = Text(f"{usd(progress.spent_usd)} of {usd(progress.ceiling_usd)} USD{unknown} ")
        told += stacked(shares, _COST_BAR)
        told += Text(f" {usd(progress.reserved_usd)} reserved" if progress.reserved_usd else "", style="dim")
    if progress.ceiling_audio_s is not None:
        told += Text(f"  {progress.spent_audio_s / 3600:.2f} of {progress.ceiling_audio_s / 3600:.2f} h")
    return told
