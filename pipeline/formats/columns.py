"""How wide a text is, and where a line of it may end: between words, and between the characters of CJK. Pure.

Width is that of a terminal or a caption in a fixed pitch: two columns for a wide character, none for a combining one.
An emoji that is joined out of several counts as all of them: rather too wide than too long a line.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_EMOJI_STYLE = "\ufe0f"  # makes one column two
_ZERO_WIDTH_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_HANGUL = range(0xAC00, 0xD7A4)  # wide, but Korean puts spaces between its words
_JAMO_INSIDE = range(0x1160, 0x1200)  # vowels and finals that go into the syllable before them
_DIRECTIONS_AND_JOINERS = range(0x200B, 0x2010)
_SMALL_KANA = frozenset("ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ")
_CLOSING = frozenset({"Pe", "Pf", "Po", "Lm"})  # Lm: the marks that repeat or lengthen what stands before them
_OPENING = frozenset({"Ps", "Pi"})


@dataclass(frozen=True, slots=True)
class Piece:
    """What is never broken over two lines, unless it is wider than a line."""

    text: str
    columns: int
    is_spaced: bool
    """Whether a space stands before it in the text."""


def columns(text: str) -> int:
    """How many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def pieces(text: str, most: int) -> Iterator[Piece]:
    """The pieces of a line of text, each at most so many columns wide (`most` at least 2)."""
    for word in text.split():
        is_spaced = True
        for part in [word] if word.isascii() else _parts(word):
            for chunk in _chunks(part, most):
                yield Piece(chunk, columns(chunk), is_spaced)
                is_spaced = False


def _columns_of(character: str) -> int:
    if character == _EMOJI_STYLE:
        return 1
    number = ord(character)
    if unicodedata.category(character) in {"Mn", "Me"} or number in _JAMO_INSIDE or number in _DIRECTIONS_AND_JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _parts(word: str) -> Iterator[str]:
    """A word, cut where a line may end within it."""
    part = before = ""
    for cluster in _clusters(word):
        if part and (_is_ideographic(before) or _is_ideographic(cluster)) and _may_part(before, cluster):
            yield part
            part = ""
        part += cluster
        before = cluster
    yield part


def _chunks(part: str, most: int) -> Iterator[str]:
    if columns(part) <= most:
        yield part
        return
    chunk, width = "", 0
    for cluster in _clusters(part):
        # A cluster wider than a line is none that anybody has written: it is cut like letters.
        for bit in [cluster] if columns(cluster) <= most else cluster:
            if width + columns(bit) > most:
                yield chunk
                chunk, width = "", 0
            chunk += bit
            width += columns(bit)
    yield chunk


def _clusters(word: str) -> Iterator[str]:
    """Characters with all that is joined to them."""
    cluster = ""
    for character in word:
        if cluster and not _joins(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    yield cluster


def _joins(cluster: str, character: str) -> bool:
    number = ord(character)
    if number in _FLAG_LETTERS:
        return len(cluster) == 1 and ord(cluster) in _FLAG_LETTERS
    return (
        cluster.endswith(_ZERO_WIDTH_JOINER)
        or unicodedata.category(character) in {"Mn", "Me", "Mc", "Cf"}
        or number in _SKIN_TONES
        or number in _JAMO_INSIDE
    )


def _is_ideographic(cluster: str) -> bool:
    return unicodedata.east_asian_width(cluster[0]) in "WF" and ord(cluster[0]) not in _HANGUL


def _may_part(before: str, after: str) -> bool:
    """Closing marks begin no line, and opening ones end none."""
    first = after[0]
    begins_line = unicodedata.category(first) not in _CLOSING and first not in _SMALL_KANA
    return begins_line and unicodedata.category(before[0]) not in _OPENING
