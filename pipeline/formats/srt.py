"""SubRip (SRT), which has no written standard: numbered cues, commas in times. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.formats.times import one_line, span
from pipeline.models import Segment


def render_srt(segments: Sequence[Segment], text: str) -> str:
    """One cue per segment, numbered from 1; an empty file without segments, for cues need times."""
    del text
    spoken = [segment for segment in segments if one_line(segment.text)]
    cues = (
        f"{number}\n{span(segment.start, segment.end, ',')}\n{_payload(segment)}\n"
        for number, segment in enumerate(spoken, start=1)
    )
    return "\n".join(cues)


def _payload(segment: Segment) -> str:
    # SRT cannot escape; players take a line with an arrow for the times of a cue.
    words = one_line(segment.text).replace("-->", "->")
    speaker = one_line(segment.speaker or "").replace("-->", "->")
    return f"{speaker}: {words}" if speaker else words
