"""Makes a transcript that obeys its rules (I12) out of what a model answered; every repair is named and counted.

Nothing in the answer is trusted (docs/fal.md section 14.12); the raw answer is kept elsewhere, verbatim. White space
around texts is trimmed without being called a repair: whisper puts it around every text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import Enum

from pydantic import JsonValue

from pipeline.models import Segment, Transcript
from pipeline.speech.fal.grouping import as_word, group_words, joined
from pipeline.speech.fal.pieces import glued, read_pieces
from pipeline.speech.fal.timing import Timed, timed


class Shape(Enum):
    """What the items of an answer's list are."""

    SEGMENTS = "segments"
    WORDS = "words"


def normalise(text: JsonValue, items: JsonValue, *, shape: Shape, language: str | None) -> Transcript:
    """The transcript of an answer's text and list of segments or words; either may be missing, null or bent.

    A repair reads `end_missing:2`. An empty text without repairs means that no speech was heard.
    """
    repairs: Counter[str] = Counter()
    pieces = read_pieces(items, repairs)
    if shape is Shape.WORDS:
        stretches = timed(glued(pieces), repairs)
        words = text if isinstance(text, str) else joined(stretches, is_spaced=True)
        segments = group_words(stretches, is_spaced=" " in words.strip())
    else:
        stretches = timed(pieces, repairs)
        words = text if isinstance(text, str) else " ".join(stretch.text for stretch in stretches)
        segments = _segments(stretches, repairs)
    if not isinstance(text, str):
        repairs["text_missing"] += 1
    names = tuple(f"{name}:{count}" for name, count in sorted(repairs.items()) if count)
    return Transcript(text=words.strip(), language=language, segments=segments, repairs=names)


def first_language(*candidates: JsonValue) -> str | None:
    """The first candidate that names a language; of a list, its first member that does."""
    for candidate in candidates:
        for value in candidate if isinstance(candidate, list) else [candidate]:
            if isinstance(value, str) and value.strip() and value.strip().lower() != "auto":
                return value.strip()
    return None


def _segments(stretches: Sequence[Timed], repairs: Counter[str]) -> tuple[Segment, ...]:
    return tuple(
        Segment(
            start=stretch.start,
            end=stretch.end,
            text=stretch.text,
            speaker=stretch.piece.speaker,
            words=tuple(map(as_word, timed(stretch.piece.words, repairs))) or None,
        )
        for stretch in stretches
    )
