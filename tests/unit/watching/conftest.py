"""Ticks to be shown, and what a terminal of some width shows of them."""

from __future__ import annotations

import io
from datetime import timedelta

import builders
import pytest
from rich.console import Console

from pipeline.cli.watching.screen import Screen
from pipeline.cli.watching.tick import Tick, WatchedRun
from pipeline.limits.base import PermitUse
from pipeline.models import Phase, State, Trouble
from pipeline.runs.base import AtWork, RunSummary, WorkerSummary

NOW = builders.NOW + timedelta(hours=3)
RUN_ID = "20261122T021500Z-1a2b3c"


def progress(**changes):
    """Of a run in the middle: 170 of 300 done."""
    fields = {
        "phase": Phase.TRANSCRIBING, "started_at": NOW - timedelta(hours=1), "updated_at": NOW,
        "by_state": {"done": 170, "failed": 3, "uncertain": 2}, "enqueued": 300, "outstanding": 125, "queued": 117,
        "skipped": 20, "suspect": 4, "audio_s": 122_400.0, "cost_usd": 1.2345, "audio_s_per_s": 34.0, "left_s": 2700.0,
        "troubles": (
            Trouble(key="shows/ünusual\x1b[31m.mp3", state=State.FAILED, reason="not_audio", message="[red]No[/] audio",
                    at=NOW - timedelta(minutes=4)),
            Trouble(key="b.mp3", state=State.UNCERTAIN, reason="submit_reply_lost", message="", at=NOW),
        ),
    }  # fmt: skip
    return builders.progress(RUN_ID, **fields | changes)


def run(told=None, *, alive=True, is_noted=True, run_id=RUN_ID):
    told = told and told.model_copy(update={"run_id": run_id})
    noted = RunSummary(run_id, "s3://podcasts/shows/", "fal-ai/whisper", 125, 0, dispatcher_alive=alive)
    return WatchedRun.of(told, noted if is_noted else None)


def tick(*runs, **changes):
    work = AtWork("s3://podcasts/shows/ep1.mp3", NOW.timestamp() - 34)
    fields = {
        "at": NOW,
        "seen_at": NOW,
        "queued": 117,
        "permits": PermitUse(8, 8, 8),
        "stop_order": None,
        "workers": (WorkerSummary("w1@here", 8, 6, at_work=(work,)), WorkerSummary("w2@there", 8, 2)),
        "runs": runs,
    }
    return Tick(**fields | changes)


def drawn(seen, width=100, height=40, times=1):
    """The lines that a terminal of this size shows."""
    output = io.StringIO()
    console = Console(file=output, width=width, height=height, force_terminal=False, color_system=None)
    screen = Screen(console)
    for _ in range(times):
        picture = screen.draw(seen)
    console.print(picture)
    return output.getvalue().splitlines()


@pytest.fixture
def make():
    """The makers of this file, for tests cannot import it."""

    class Makers:
        pass

    Makers.progress, Makers.run, Makers.tick, Makers.drawn, Makers.now = map(
        staticmethod, (progress, run, tick, drawn, lambda: NOW)
    )
    return Makers
