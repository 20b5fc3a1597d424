"""Where to cut a range of keys in two, from nothing but keys that were seen. Pure.

The characters seen at each place of a key are read as the digits of a number, so that keys have distances, and pages
that were listed tell how many lie between two of them. After `show-0012/...` and `show-0019/...` on one page,
`show-0240` is some thirty pages away. Where the digits end, nothing is known but that greater keys come behind.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from itertools import zip_longest

_PLACES = 256
"""Places of a key that are looked at. Keys that are longer and alike up to there are listed in one stream."""
_DIGITS = 12
"""Places behind what two keys have in common that make their distance: what follows does not matter."""
_LAST = chr(0x10FFFF)
_SURROGATES = range(0xD800, 0xE000)  # code points that are no characters


class SeenKeys:
    """The characters that were seen at each place of a key, in order: its digits there."""

    def __init__(self) -> None:
        self._places: list[list[str]] = []

    def add(self, key: str) -> None:
        """Sees a key."""
        for place, letter in enumerate(key[:_PLACES]):
            if place == len(self._places):
                self._places.append([])
            seen = self._places[place]
            number = bisect_left(seen, letter)
            if number == len(seen) or seen[number] != letter:
                seen.insert(number, letter)

    def number(self, key: str, places: int) -> int:
        """The number that the first places of a key make. A greater key has no smaller one."""
        number, is_known = 0, True
        for letter, digits in zip_longest(key[:places], self._places[:places]):
            digit = bisect_left(digits, letter) if is_known and letter and digits else 0
            # What stands between two digits is as far as the second one, whatever follows.
            is_known = is_known and bool(letter and digits) and digit < len(digits) and digits[digit] == letter
            number = number * len(digits or " ") + digit
        return number

    def key(self, number: int, places: int) -> str | None:
        """The key that makes a number; None for one greater than any."""
        letters = []
        for digits in reversed(self._places[:places]):
            number, digit = divmod(number, len(digits))
            letters.append(digits[digit])
        return None if number else "".join(reversed(letters))

    def behind(self) -> str | None:
        """A key behind all that were seen, up to the first place where they differ."""
        alike = ""
        for digits in self._places:
            if len(digits) > 1:
                return alike + _next(digits[-1]) if digits[-1] < _LAST else None
            alike += digits[0]
        return None


@dataclass(frozen=True, slots=True)
class Measured:
    """What tells how far apart keys are: pages that were listed, from behind a key up to another one."""

    after: str
    to: str
    pages: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A key that need not exist; what is greater makes a range of its own."""

    key: str
    pages_left: float
    """About how many pages the range has left before the cut; infinite when it has no end."""


def cut(seen: SeenKeys, measured: Collection[Measured], at: str, until: str | None, most_pages: int) -> Cut | None:
    """A cut of what is left between `at` and `until`: half way, but no more than so many pages off.

    None when nothing tells where. A range without an end is cut behind all that is known when that is nearer.
    """
    places = min(_PLACES, max(len(_alike(some.after, some.to)) for some in measured) + _DIGITS)
    here = seen.number(at, places)
    listed = sum(seen.number(some.to, places) - seen.number(some.after, places) for some in measured)
    in_pages = sum(some.pages for some in measured)
    if listed <= 0:
        return None
    pages, pages_left = most_pages, float("inf")
    if until is not None:
        left = (seen.number(until, places) - here) * in_pages // listed
        pages, pages_left = min(most_pages, left // 2), min(left, _MANY)
    key = seen.key(here + listed * pages // in_pages, places)
    if key is None and until is None:
        key = seen.behind()
    return Cut(key, pages_left) if key is not None and at < key and (until is None or key < until) else None


_MANY = 1 << 40  # pages, more than any bucket has


def _alike(one: str, other: str) -> str:
    """How both begin."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return one[:place]
    return min(one, other, key=len)


def _next(letter: str) -> str:
    code = ord(letter) + 1
    return chr(_SURROGATES.stop if code in _SURROGATES else code)
