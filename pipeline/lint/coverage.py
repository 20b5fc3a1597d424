"""Stretches of the audio of which the transcript says nothing, though it says something of the rest."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.lint.heard import Heard
from pipeline.models import Finding
from pipeline.settings import LintSettings


def silent(heard: Heard, settings: LintSettings) -> Iterator[Finding]:
    """`silent`: no speech at all in audio that nobody records without any."""
    if heard.is_silent and heard.duration_s is not None and heard.duration_s >= settings.silent_s:
        yield Finding(name="silent", detail=f"no speech in {_minutes(heard.duration_s)}")


def gap(heard: Heard, settings: LintSettings) -> Iterator[Finding]:
    """`gap`: a long stretch without a segment, at the start or between two; told once, of the longest."""
    start, end = max(heard.stretches(), key=lambda stretch: stretch[1] - stretch[0], default=(0.0, 0.0))
    if end - start >= settings.gap_s:
        yield Finding(name="gap", detail=f"nothing was heard for {_minutes(end - start)}", at_s=start)


def truncated(heard: Heard, settings: LintSettings) -> Iterator[Finding]:
    """`truncated`: the last segment ends far before the audio does."""
    if not heard.segments or heard.duration_s is None:
        return
    end = max(segment.end for segment in heard.segments)
    rest_s = heard.duration_s - end
    is_large_part = rest_s >= settings.truncated_from_s and rest_s >= settings.truncated_share * heard.duration_s
    if rest_s >= settings.truncated_s or is_large_part:
        detail = f"the last {_minutes(rest_s)} of {_minutes(heard.duration_s)} are missing"
        yield Finding(name="truncated", detail=detail, at_s=end)


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004  as people say it
