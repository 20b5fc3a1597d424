"""Groups single words into segments that can be read: by speaker, pause, sentence and length. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.models import Segment, Word
from pipeline.speech.fal.timing import Timed

_PAUSE_S = 1.0  # a longer silence begins a new segment
_LONGEST_S = 15.0  # a subtitle that stands longer is a wall of text
_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")  # noqa: RUF001  the full-width marks are meant


def group_words(words: Sequence[Timed], *, is_spaced: bool) -> tuple[Segment, ...]:
    """Segments of words in order. `is_spaced` tells whether the language puts spaces between words."""
    groups: list[list[Timed]] = []
    for word in words:
        if groups and not _begins_anew(groups[-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    return tuple(
        Segment(
            start=group[0].start,
            end=max(word.end for word in group),
            text=joined(group, is_spaced=is_spaced),
            speaker=group[0].piece.speaker,
            words=tuple(as_word(word) for word in group if not word.piece.is_sound) or None,
        )
        for group in groups
    )


def joined(words: Sequence[Timed], *, is_spaced: bool) -> str:
    """The words as one text: with their own spaces when the model gave any, else with a space between them."""
    has_own_spaces = any(word.piece.text != word.text for word in words)
    return ("" if has_own_spaces or not is_spaced else " ").join(word.piece.text for word in words).strip()


def as_word(word: Timed) -> Word:
    """The record of a word."""
    return Word(start=word.start, end=word.end, text=word.text, probability=word.piece.probability)


def _begins_anew(group: Sequence[Timed], word: Timed) -> bool:
    last = group[-1]
    return (
        word.piece.speaker != last.piece.speaker
        or word.start - last.end > _PAUSE_S
        or word.end - group[0].start > _LONGEST_S
        or last.text.endswith(_SENTENCE_ENDS)
    )
