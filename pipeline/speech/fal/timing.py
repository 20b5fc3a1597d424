"""Gives every piece of a transcript times that obey I12: 0 <= start < end, in order of the starts. Pure.

Each repair is counted by name: a transcript whose times were guessed must say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.speech.fal.pieces import Piece

_LEAST_GUESS_S = 0.3
_CHARACTERS_PER_S = 15.0  # of speech; only used where the model gave no end


@dataclass(frozen=True)
class Timed:
    """A piece that has text and valid times, in seconds."""

    start: float
    end: float
    piece: Piece

    @property
    def text(self) -> str:
        """The text without the spaces around it."""
        return self.piece.text.strip()


def timed(pieces: Sequence[Piece], repairs: Counter[str]) -> list[Timed]:
    """The pieces that hold text, mended."""
    spoken = [piece for piece in pieces if piece.text.strip()]
    repairs["empty_dropped"] += len(pieces) - len(spoken)
    begun = _begun(spoken, repairs)
    latest = 0.0
    for start, _, _ in begun:
        repairs["out_of_order"] += start < latest
        latest = max(latest, start)
    return _ended(sorted(begun, key=lambda item: item[0]))


def inside(words: Sequence[Timed], segment: Timed, repairs: Counter[str]) -> list[Timed]:
    """The words of a segment (in order), none of them beyond it: each that was is cut, or put at its edge."""
    kept: list[Timed] = []
    latest = segment.start
    for word in words:
        start, end = max(word.start, segment.start), min(word.end, segment.end)
        if word.end <= segment.start:
            end = min(round(segment.start + _LEAST_GUESS_S, 3), segment.end)
        elif word.start >= segment.end:
            start = max(latest, round(segment.end - _LEAST_GUESS_S, 3))
        latest = start
        is_moved = (start, end) != (word.start, word.end)
        repairs["word_outside"] += is_moved
        kept.append(Timed(start, end, word.piece) if is_moved else word)
    return kept


def _begun(pieces: Sequence[Piece], repairs: Counter[str]) -> list[tuple[float, float | None, Piece]]:
    """Each piece with its start, and its end where it has a usable one."""
    begun: list[tuple[float, float | None, Piece]] = []
    reached = 0.0  # where the piece before ended: the best guess for a start that is missing
    for piece in pieces:
        start, end = piece.start, piece.end
        if end is None or end < 0:
            repairs["end_missing"] += 1
            end = max((word.end for word in piece.words if word.end is not None and word.end >= 0), default=None)
        if start is None:
            repairs["start_missing"] += 1
            start = reached if end is None else min(reached, end)
            start = min((word.start for word in piece.words if word.start is not None), default=start)
        elif start < 0:
            repairs["start_negative"] += 1
            start = 0.0
        if end is not None and end < start:
            repairs["reversed"] += 1
            start, end = end, start
        elif end == start:
            repairs["zero_length"] += 1
            end = None
        reached = start if end is None else end
        begun.append((start, end, piece))
    return begun


def _ended(begun: Sequence[tuple[float, float | None, Piece]]) -> list[Timed]:
    """Ends what has no end: at the next start, or after the time that its text takes to say."""
    ended: list[Timed] = []
    following: float | None = None
    for start, known_end, piece in reversed(begun):
        end = known_end
        if end is None:
            end = round(start + max(_LEAST_GUESS_S, len(piece.text.strip()) / _CHARACTERS_PER_S), 3)
            if following is not None and start < following < end:
                end = following
        if following is None or start < following:
            following = start
        ended.append(Timed(start, end, piece))
    return ended[::-1]
