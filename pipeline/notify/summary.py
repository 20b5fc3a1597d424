"""The end of a run in a few words and figures, for people. Pure."""

from __future__ import annotations

from datetime import timedelta

from pipeline.models import Ending, RunEnd

_HEADLINES = {
    Ending.DONE: "Nightscribe: all done",
    Ending.FAILED: "Nightscribe: some objects failed",
    Ending.BUDGET: "Nightscribe: stopped by its ceiling",
    Ending.DEADLINE: "Nightscribe: stopped by its deadline",
    Ending.STOPPED: "Nightscribe: stopped",
}
_REASONS_SHOWN = 8
_A_MINUTE, _AN_HOUR = timedelta(minutes=1), timedelta(hours=1)


def headline(end: RunEnd) -> str:
    """How it ended; names no object and no archive."""
    return _HEADLINES[end.ending]


def figures(end: RunEnd) -> list[tuple[str, str]]:
    """What the run did, as names and numbers: ten at most, and always those that an operator looks for."""
    # What cannot be left out is first; the rest only where there is some.
    always = [("done", end.done), ("failed", end.failed), ("left", end.left)]
    sometimes = [
        ("uncertain", end.uncertain),
        ("skipped", end.skipped),
        ("gone", end.gone),
        ("suspect", end.suspect),
    ]
    counted = [(name, f"{number:,}") for name, number in [*always, *(pair for pair in sometimes if pair[1])]]
    unknown = " and more at unknown prices" if end.cost_unknown else ""
    took = end.finished_at - end.started_at
    return [
        *counted,
        ("audio", f"{end.audio_s / 3600:,.1f} h"),
        ("cost", f"{end.cost_usd:,.2f} USD{unknown}"),
        ("took", f"{took / _AN_HOUR:,.1f} h" if took >= _AN_HOUR else f"{took / _A_MINUTE:.0f} min"),
    ]


def reasons(end: RunEnd) -> str:
    """Why objects of this run are no transcripts, the most frequent first; empty when all are."""
    by_number = sorted(end.by_reason.items(), key=lambda pair: (-pair[1], pair[0]))
    more = len(by_number) - _REASONS_SHOWN
    shown = [f"{reason} {number:,}" for reason, number in by_number[:_REASONS_SHOWN]]
    return ", ".join([*shown, *([f"and {more} more"] if more > 0 else [])])


def line(end: RunEnd) -> str:
    """All of it in one line, for a place that shows no more."""
    said = ", ".join(f"{name} {value}" for name, value in figures(end))
    return f"{headline(end)}, {end.archive.uri}: {said}.{f' {end.message}' if end.message else ''}"
