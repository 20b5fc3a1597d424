"""WebVTT (https://www.w3.org/TR/webvtt1/). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.formats.times import one_line, span
from pipeline.models import Segment

_NOTE = "NOTE The model gave no times, so that there are no cues; the text is in the sidecar."


def render_vtt(segments: Sequence[Segment], text: str) -> str:
    """One cue per segment; without segments a valid file with a note when there is text, for cues need times."""
    cues = [
        f"{span(segment.start, segment.end)}\n{_payload(segment)}\n" for segment in segments if one_line(segment.text)
    ]
    if not cues and text.strip():
        cues = [f"{_NOTE}\n"]
    return "\n".join(["WEBVTT\n", *cues])


def _payload(segment: Segment) -> str:
    words = _escaped(segment.text)
    speaker = _escaped(segment.speaker or "")
    return f"<v {speaker}>{words}" if speaker else words


def _escaped(text: str) -> str:
    # A bare `>` would be legal, but `-->` in a payload ends the cue; escaping every one settles both.
    return one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
