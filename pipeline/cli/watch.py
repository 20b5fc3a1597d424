"""`nightscribe watch`: a run seen live, from any machine that reaches Redis. It reads, and changes nothing."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

import click
from rich.console import Console
from rich.live import Live

from pipeline.cli.options import S3Uri, json_option
from pipeline.cli.session import Session
from pipeline.cli.watching.lines import lines_of
from pipeline.cli.watching.looking import Lookout
from pipeline.cli.watching.screen import Screen
from pipeline.cli.watching.tick import Tick
from pipeline.models import Place
from pipeline.printable import printable_json
from pipeline.wiring.watch import open_watch

_EVERY_S = 1.0  # a dispatcher tells no oftener


@click.command()
@click.argument("archive", type=S3Uri(), required=False, metavar="[s3://BUCKET/PREFIX]")
@click.option("--every", "every_s", type=click.FloatRange(0.2, 3600), metavar="S", help="Look every S seconds.")
@click.option("--once", is_flag=True, help="Look once, and end.")
@json_option
@click.pass_obj
def watch(session: Session, *, archive: Place | None, every_s: float | None, once: bool, as_json: bool) -> None:
    """Watch the runs that are open now: progress, pace, cost, workers, failures, and when it will be done.

    From any machine that reaches Redis; needs neither S3 nor a fal key, and changes nothing: Ctrl-C ends only the
    watching. On a terminal it stays, and waits for the next run. With --json, or into a pipe, it ends when the runs
    that it has seen have ended; each line of JSON is one look (docs/schemas/watch.schema.json).

    \b
    Examples:
      nightscribe watch
      nightscribe watch s3://my-podcasts/shows/
      nightscribe watch --json | jq -r '.runs[].progress.by_state.done'
      nightscribe watch --once
    """
    parts = open_watch(session.settings)
    lookout = Lookout(parts.runs, parts.permits, parts.queue, archive, lambda: datetime.now(UTC))
    try:
        with _ended_by_sigterm():
            if as_json:
                _print_lines(lookout, every_s or _EVERY_S, once=once, as_json=True)
            elif sys.stdout.isatty():
                _show(lookout, every_s or _EVERY_S, once=once)
            else:
                _print_lines(lookout, every_s or session.settings.run.progress_every_s, once=once, as_json=False)
    except KeyboardInterrupt:
        pass  # the way to end it, and no failure
    finally:
        parts.close()


def _show(lookout: Lookout, every_s: float, *, once: bool) -> None:
    console = Console()
    screen = Screen(console)
    tick = lookout.look()
    if once:
        console.print(screen.draw(tick))
        return
    try:
        with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
            while True:
                live.update(screen.draw(tick), refresh=True)
                time.sleep(every_s)
                tick = lookout.look()
    finally:
        click.echo("\n".join(lines_of(tick)))  # the picture has gone with its screen; this stays


def _print_lines(lookout: Lookout, every_s: float, *, once: bool, as_json: bool) -> None:
    seen_open: set[str] = set()
    said: list[str] = []
    while True:
        tick = lookout.look()
        lines = [printable_json(tick.model_dump_json())] if as_json else lines_of(tick)
        if lines != said:
            prefix = "" if as_json else f"{tick.at.astimezone():%H:%M:%S} "
            click.echo("\n".join(prefix + line for line in lines))
        said = lines
        seen_open |= {run.run_id for run in tick.open_runs}
        if once or _is_over(tick, seen_open):
            return
        time.sleep(every_s)


def _is_over(tick: Tick, seen_open: set[str]) -> bool:
    return bool(seen_open) and not tick.open_runs and tick.trouble is None


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """The terminal is given back in order, whoever ends this."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
