"""Derived views of a transcript: WebVTT, SRT and plain text. Pure; made from a sidecar without asking fal again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipeline.formats.srt import render_srt
from pipeline.formats.times import timestamp
from pipeline.formats.txt import render_txt
from pipeline.formats.vtt import render_vtt
from pipeline.models import Format, Segment

__all__ = ["CONTENT_TYPES", "render", "timestamp"]

CONTENT_TYPES: Mapping[Format, str] = {
    Format.VTT: "text/vtt; charset=utf-8",
    Format.SRT: "application/x-subrip; charset=utf-8",
    Format.TXT: "text/plain; charset=utf-8",
}
_RENDERERS: Mapping[Format, Callable[[Sequence[Segment], str], str]] = {
    Format.VTT: render_vtt,
    Format.SRT: render_srt,
    Format.TXT: render_txt,
}


def render(segments: Sequence[Segment], text: str, kind: Format) -> str:
    """The transcript in one format; `text` serves where there are no segments, and only plain text can show it."""
    return _RENDERERS[kind](segments, text)
