"""A tick in plain lines, for logs and pipes: each can stand alone. Pure."""

from __future__ import annotations

from datetime import timedelta

from pipeline.cli.watching.bars import at_clock, lasting, usd
from pipeline.cli.watching.tick import Standing, Tick, WatchedRun
from pipeline.models import Progress, State
from pipeline.printable import printable

_S_PER_H = 3600.0
ABANDONED = "its dispatcher is gone: workers finish what was sent; start the same command again to go on"
_NOT_DONE = (State.FAILED, State.UNCERTAIN, State.PENDING)


def lines_of(tick: Tick) -> list[str]:
    """What is seen, worst first."""
    said = []
    if tick.trouble:
        said.append(f"Redis is away; seen last at {tick.seen_at.astimezone():%H:%M:%S}: {tick.trouble}")
    if tick.stop_order:
        said.append(f"STOPPED: {tick.stop_order.message} {remedy(tick)}")
    said += [run_line(run, tick) for run in tick.open_runs]
    if not tick.open_runs:
        said.append("No run is open.")
        said += [ended_line(run, tick) for run in tick.runs]
    said += [f"Worker {worker.name} takes no jobs any more: restart it." for worker in tick.workers if worker.is_stuck]
    if tick.open_runs and not tick.workers:
        said.append(NO_WORKER)
    return [printable(line) for line in said]


NO_WORKER = "No worker is alive: start one with make worker."


def remedy(tick: Tick) -> str:
    """What to do about a stop order."""
    if tick.stop_order is None:
        return ""
    if tick.stop_order.by_account:
        return "Nothing is submitted. Mend the account at fal (key, balance), then start the run again."
    of_run = f" of run {tick.stop_order.run_id}" if tick.stop_order.run_id else ""
    return f"Nothing{of_run} is submitted. Mend the setting, restart the workers, then start the run again."


def run_line(run: WatchedRun, tick: Tick) -> str:
    """How far an open run is."""
    beginning = f"{run.archive_uri} {run.standing.value}"
    if run.standing is Standing.ABANDONED:
        beginning += f" ({ABANDONED})"
    if (progress := run.progress) is None:
        return f"{beginning}: {run.outstanding} jobs outstanding"
    pace = "" if progress.audio_s_per_s is None else f", {progress.audio_s_per_s:.1f} h/h"
    return (
        f"{beginning}: {counted(progress)} | {progress.audio_s / _S_PER_H:.2f} h audio{pace}, {cost(progress)}, "
        f"{tick.permits.held} of {tick.permits.limit} permits, end: {ending(run, tick)}"
    )


def ended_line(run: WatchedRun, tick: Tick) -> str:
    """How a run ended."""
    progress = run.progress
    if progress is None:  # cannot be: an ended run is known by its last word alone
        return f"{run.archive_uri} {run.standing.value}"
    took = lasting((progress.updated_at - progress.started_at).total_seconds())
    said = f": {progress.said}" if progress.said else ""
    return (
        f"{at_clock(progress.updated_at, tick.at)} {run.archive_uri} {run.standing.value} after {took}: "
        f"{counted(progress)} | {progress.audio_s / _S_PER_H:.2f} h audio, {cost(progress)}{said}"
    )


def counted(progress: Progress) -> str:
    """Objects by what became of them."""
    parts = [f"{progress.by_state.get(State.DONE.value, 0)} done"]
    parts += [f"{number} {state.value}" for state in _NOT_DONE if (number := progress.by_state.get(state.value, 0))]
    parts += [f"{in_flight(progress)} in work", f"{progress.queued} queued"] if progress.outstanding else []
    others = {"suspect": progress.suspect, "skipped": progress.skipped, "gone": progress.gone}
    return ", ".join([*parts, *(f"{number} {name}" for name, number in others.items() if number)])


def in_flight(progress: Progress) -> int:
    """Jobs that workers hold."""
    return max(0, progress.outstanding - progress.queued)


def cost(progress: Progress) -> str:
    """What was spent, against the ceiling where there is one."""
    parts = []
    if progress.ceiling_usd is not None:
        parts.append(f"{usd(progress.spent_usd)} of {usd(progress.ceiling_usd)} USD")
        parts += [f"{usd(progress.reserved_usd)} reserved"] if progress.reserved_usd else []
    else:
        unknown = " and some unknown" if progress.cost_unknown else ""
        parts.append(f"{usd(progress.cost_usd)} USD{unknown}")
    if progress.ceiling_audio_s is not None:
        parts.append(f"{progress.spent_audio_s / _S_PER_H:.2f} of {progress.ceiling_audio_s / _S_PER_H:.2f} h allowed")
    return ", ".join(parts)


def ending(run: WatchedRun, tick: Tick) -> str:
    """How long it takes still, and until when."""
    if run.standing is Standing.ABANDONED:
        return f"none while nobody dispatches; {run.outstanding} jobs outstanding"
    if run.progress is None or run.progress.left_s is None:
        return "not yet known"
    moment = run.progress.updated_at + timedelta(seconds=run.progress.left_s)
    return f"about {lasting(run.progress.left_s)} left, until {at_clock(moment, tick.at)}"
