"""Word error rate of transcripts against the reference texts, with a normaliser that hides no mistake. Pure.

What is evened out is spelling only: case, punctuation, hyphens, "Mr.", and numbers written as digits. Every word that
differs after that counts, also where the recording is hard to understand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import jiwer

_TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor"}
# fmt: off
_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: on


@dataclass(frozen=True)
class Accuracy:
    """How many words of the references were misheard: substituted, left out or added."""

    errors: int
    words: int

    @property
    def word_error_rate(self) -> float:
        """Errors per word of the references; can exceed 1 when words are added."""
        return self.errors / self.words


def measure(pairs: Sequence[tuple[str, str]]) -> Accuracy:
    """Compares pairs of reference and transcript, each with each; an empty transcript misses all its words."""
    compared = jiwer.process_words(
        [" ".join(words(reference)) for reference, _ in pairs],
        [" ".join(words(transcript)) for _, transcript in pairs],
    )
    errors = compared.substitutions + compared.deletions + compared.insertions
    return Accuracy(errors=errors, words=compared.hits + compared.substitutions + compared.deletions)


def words(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation: `Mr. Tatter'd, 21` is mister tatterd twenty one."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    bare = re.sub(r"[^\w\s]|_", " ", plain.replace("'", ""))
    return [part for word in bare.split() for part in _spelled(word)]


def _spelled(word: str) -> list[str]:
    if word in _TITLES:
        return [_TITLES[word]]
    if not re.fullmatch(r"[1-9]?[0-9]", word):  # larger numbers do not occur, and are read in more than one way
        return [word]
    tens, ones = divmod(int(word), 10)
    if int(word) < len(_ONES):
        return [_ONES[int(word)]]
    return [_TENS[tens - 2], *([_ONES[ones]] if ones else [])]
