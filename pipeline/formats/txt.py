"""Plain text for reading: paragraphs by speaker, pause and length. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.formats.plain import one_line
from pipeline.models import Segment

_PAUSE_S = 2.0  # a longer silence begins a paragraph
_LONG_CHARACTERS = 600  # a paragraph this long ends with its sentence
_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")  # noqa: RUF001  the full-width marks are meant


def render_txt(segments: Sequence[Segment], text: str) -> str:
    """Paragraphs with an empty line between them, speakers named where they change; `text` without segments."""
    spoken = [segment for segment in segments if one_line(segment.text)]
    if not spoken:
        whole = "\n".join(map(one_line, text.splitlines())).strip()
        return f"{whole}\n" if whole else ""
    paragraphs: list[str] = []
    before: Segment | None = None
    for segment in spoken:
        words = one_line(segment.text)
        if before is not None and not _begins_anew(before, segment, len(paragraphs[-1])):
            paragraphs[-1] = f"{paragraphs[-1]} {words}"
        else:
            speaker = one_line(segment.speaker or "")
            is_new_speaker = speaker and (before is None or before.speaker != segment.speaker)
            paragraphs.append(f"{speaker}: {words}" if is_new_speaker else words)
        before = segment
    return "\n\n".join(paragraphs) + "\n"


def _begins_anew(before: Segment, segment: Segment, characters: int) -> bool:
    is_long = characters > _LONG_CHARACTERS and before.text.rstrip().endswith(_SENTENCE_ENDS)
    return before.speaker != segment.speaker or segment.start - before.end > _PAUSE_S or is_long
