"""Cuts a stretch of speech into captions of at most two lines: where a sentence, a clause or a word ends. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from pipeline.formats.columns import Piece, pieces

_LINES = 2  # more would cover what they are the captions of
_SENTENCE_ENDS = tuple(".?!…。？！؟।")  # noqa: RUF001  the full-width marks are meant
_CLAUSE_ENDS = tuple(",;:–—、，；：،؛")  # noqa: RUF001  as above
_CLOSING_MARKS = "\"'”’»)]」』）"  # noqa: RUF001  as above
# What it costs to end a caption here, in captions: so much nearer to an even cut a worse place has to be.
_AFTER_SENTENCE, _AFTER_CLAUSE, _AFTER_WORD, _WITHIN_WORD = 0.0, 0.2, 0.4, 1.0


@dataclass(frozen=True, slots=True)
class Caption:
    """One or two lines, and how much of the stretch they say: the characters from `begin` up to `end`, spaces aside."""

    lines: tuple[str, ...]
    begin: int
    end: int


def captions(text: str, most_columns: int, *, name: str = "", names_each: bool = False) -> Iterator[Caption]:
    """The captions of a stretch whose text is one line, not empty. `name` is put before the first, or before each."""
    said = list(pieces(text, most_columns))
    named = list(pieces(name, most_columns)) if name else []
    left = sum(map(_added, said))
    done = characters = 0
    while done < len(said):
        before = named if names_each or not done else []
        if before:
            said[done] = replace(said[done], is_spaced=True)
        until = _cut(before, said, done, most_columns, left)
        end = characters + sum(len(piece.text) for piece in said[done:until])
        yield Caption(_lines([*before, *said[done:until]], most_columns), characters, end)
        left -= sum(map(_added, said[done:until]))
        done, characters = until, end


def _added(piece: Piece) -> int:
    return piece.columns + piece.is_spaced


def _cut(before: list[Piece], said: list[Piece], begin: int, most: int, left: int) -> int:
    """Where the caption ends that begins here; so many columns are left."""
    room = _LINES * most
    fit = begin + max(1, _fitting([*before, *said[begin : begin + room]], most) - len(before))
    if fit == len(said):
        return fit
    goal = left / max(2, math.ceil(left / room))  # captions of one length rather than a last word alone
    best, best_cost, width = fit, math.inf, 0
    for end in range(begin + 1, fit + 1):
        width += _added(said[end - 1])
        cost = abs(width - goal) / room + _price(said[end - 1], said[end])
        if cost < best_cost:
            best, best_cost = end, cost
    return best


def _price(last: Piece, following: Piece) -> float:
    text = last.text.rstrip(_CLOSING_MARKS)
    if text.endswith(_SENTENCE_ENDS):
        return _AFTER_SENTENCE
    if text.endswith(_CLAUSE_ENDS):
        return _AFTER_CLAUSE
    return _AFTER_WORD if following.is_spaced else _WITHIN_WORD


def _fitting(some: Sequence[Piece], most: int) -> int:
    """How many of the pieces fit into the lines of one caption."""
    lines, width = 1, -some[0].is_spaced  # the space before a line is not written
    for number, piece in enumerate(some):
        if width + _added(piece) <= most:
            width += _added(piece)
        elif lines == _LINES:
            return number
        else:
            lines, width = lines + 1, piece.columns
    return len(some)


def _lines(some: Sequence[Piece], most: int) -> tuple[str, ...]:
    """One line when it is enough, else two: the better the place, the more they may differ."""
    ends_at = list(accumulate(map(_added, some), initial=0))
    if ends_at[-1] - some[0].is_spaced <= most:
        return (_joined(some),)
    halves = (
        (cut, ends_at[cut] - some[0].is_spaced, ends_at[-1] - ends_at[cut] - some[cut].is_spaced)
        for cut in range(1, len(some))
    )
    best = min(
        (half for half in halves if max(half[1:]) <= most),
        key=lambda half: abs(half[1] - half[2]) / most + _price(some[half[0] - 1], some[half[0]]),
    )[0]
    return _joined(some[:best]), _joined(some[best:])


def _joined(some: Sequence[Piece]) -> str:
    return "".join(f" {piece.text}" if piece.is_spaced else piece.text for piece in some).removeprefix(" ")
