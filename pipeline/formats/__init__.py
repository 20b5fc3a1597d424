"""Derived views of a transcript, made from a sidecar without asking fal again. Pure.

segments ─▶ cues (cut to lines, times apart) ─▶ WebVTT, SRT
segments ─▶ paragraphs ─▶ plain text
segments or words ─▶ Podcasting 2.0 JSON
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from pipeline.formats.podcast import render_podcast_json
from pipeline.formats.srt import render_srt
from pipeline.formats.times import timestamp
from pipeline.formats.txt import render_txt
from pipeline.formats.vtt import render_vtt
from pipeline.models import Format, Segment, Word

__all__ = ["RENDERERS", "Renderer", "render", "timestamp"]


@dataclass(frozen=True, slots=True)
class Renderer:
    """How a format is made. A file that was made by another `version` is made again by `nightscribe render`."""

    render: Callable[[Sequence[Segment], str], str]
    content_type: str
    version: int


RENDERERS: Mapping[Format, Renderer] = {
    Format.VTT: Renderer(render_vtt, "text/vtt; charset=utf-8", 1),
    Format.SRT: Renderer(render_srt, "application/x-subrip; charset=utf-8", 1),
    Format.TXT: Renderer(render_txt, "text/plain; charset=utf-8", 1),
    Format.JSON: Renderer(render_podcast_json, "application/json", 1),
}


def render(segments: Sequence[Segment], text: str, kind: Format) -> str:
    """The transcript in one format; `text` serves where there are no segments, as far as the format can show it.

    Raises `ValueError` for times that are no numbers, which only somebody's hand can have put there.
    """
    timed: list[Segment | Word] = [*segments, *(word for segment in segments for word in segment.words or ())]
    if not all(isfinite(stretch.start) and isfinite(stretch.end) for stretch in timed):
        raise ValueError("a time is no number")
    # As transcripts are, unless somebody has edited them; players want cues in order.
    in_order = sorted(segments, key=lambda segment: segment.start)
    return RENDERERS[kind].render(in_order, text)
