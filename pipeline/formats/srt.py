"""SubRip (SRT), which has no written standard: numbered cues, commas in times. Pure.

As Podcasting 2.0 wants transcripts in SRT to be: at most two lines of 32 characters, and a name with a colon where the
speaker changes.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.formats.columns import columns
from pipeline.formats.cues import cues
from pipeline.formats.plain import one_line
from pipeline.formats.times import span
from pipeline.models import Segment

COLUMNS = 32
_CUT = "…"
# SRT cannot escape: players take `<i>`, `{\an8}` and `\N` for orders, and a line with an arrow for the times of a cue.
_NO_ORDERS = str.maketrans("<>{}\\", "‹›()∖")  # noqa: RUF001  as like them as can be


def render_srt(segments: Sequence[Segment], text: str) -> str:
    """Cues, numbered from 1; an empty file without segments, for cues need times."""
    del text
    shown = cues([_without_orders(segment) for segment in segments], COLUMNS, names_inside=True)
    blocks = ([span(cue.start_ms, cue.end_ms, ","), *cue.lines, ""] for cue in shown)
    return "\n".join("\n".join([str(number), *block]) for number, block in enumerate(blocks, start=1))


def _without_orders(segment: Segment) -> Segment:
    changed = {
        "text": segment.text.translate(_NO_ORDERS),
        "speaker": _short(one_line(segment.speaker or "").translate(_NO_ORDERS)),
    }
    return segment.model_copy(update=changed)


def _short(name: str) -> str:
    """A name that leaves room for its colon on one line."""
    if columns(name) < COLUMNS:
        return name
    while columns(f"{name}{_CUT}") >= COLUMNS:
        name = name[:-1]
    return f"{name.rstrip()}{_CUT}"
