"""WebVTT (https://www.w3.org/TR/webvtt1/), in lines as Podcasting 2.0 recommends them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.formats.cues import Cue, cues
from pipeline.formats.times import span
from pipeline.models import Segment

COLUMNS = 65
_NOTE = "NOTE The model gave no times, so that there are no cues; the text is in the sidecar."


def render_vtt(segments: Sequence[Segment], text: str) -> str:
    """Cues with their speaker; without segments a valid file with a note when there is text, for cues need times."""
    blocks = [_block(cue) for cue in cues(segments, COLUMNS)]
    if not blocks and text.strip():
        blocks = [f"{_NOTE}\n"]
    return "\n".join(["WEBVTT\n", *blocks])


def _block(cue: Cue) -> str:
    voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
    said = "\n".join(_escaped(line) for line in cue.lines)
    return f"{span(cue.start_ms, cue.end_ms)}\n{voice}{said}\n"


def _escaped(text: str) -> str:
    # A bare `>` would be legal, but `-->` in a payload ends the cue; escaping every one settles both.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
