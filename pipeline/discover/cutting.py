"""Where to cut a range of keys in two, from nothing but keys that were seen. Pure.

A range with two ends is cut at the first place where a character that was seen at this place of other keys is between:
half way among those. After `show-0012/...` and before `show-0090` that is `show-005`. One without an end is cut behind
the keys that begin as the last ones did: after `show-0012/...` and `show-0019/...` come, if anything, keys behind
`show-002`, and what comes tells more.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

_PLACES = 256
"""Places of a key that are looked at. Keys that are longer and alike up to there are listed in one stream."""
_LAST = chr(0x10FFFF)
_SURROGATES = range(0xD800, 0xE000)  # code points that are no characters


class SeenKeys:
    """The characters that were seen at each place of a key, in order."""

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

    def between(self, place: int, low: str, high: str) -> list[str]:
        """The characters seen at a place that are greater than `low`, and less than `high` if that is not empty."""
        seen = self._places[place] if place < len(self._places) else []
        return seen[bisect_right(seen, low) : bisect_left(seen, high) if high else None]


@dataclass(frozen=True, slots=True)
class Cut:
    """A key that need not exist; what is greater makes a range of its own."""

    key: str
    pages_left: float
    """About how many pages are left in the range, of which the cut takes half; infinite when that cannot be told."""


def cut_before(seen: SeenKeys, begun: str, at: str, until: str, pages: int) -> Cut | None:
    """A cut between the last listed key and the end of a range, if one is known; `pages` from `begun` are listed."""
    alike = len(_alike(at, until))
    for place in range(alike, len(at)):
        letters = seen.between(place, at[place], until[place] if place == alike else "")
        if letters:
            key = at[:place] + letters[len(letters) // 2]
            return Cut(key, pages * len(letters) / _done(seen, begun, at, place))
    return None


def cut_behind(prefix: str, begun: str, at: str) -> Cut | None:
    """A cut of a range without an end: behind all keys that begin as its first and its last one both do."""
    alike = _alike(begun, at)
    while len(alike) > len(prefix):
        if alike[-1] < _LAST:
            return Cut(alike[:-1] + _next(alike[-1]), float("inf"))
        alike = alike[:-1]
    # Nothing in common but the prefix: behind those that begin with the same character.
    rest = at[len(prefix) :]
    return Cut(prefix + _next(rest[0]), float("inf")) if rest and rest[0] < _LAST else None


def _done(seen: SeenKeys, begun: str, at: str, place: int) -> int:
    """How many characters at this place the listed pages have come past: at least the one that they are at."""
    if begun[:place] != at[:place] or len(begun) <= place:
        return 1 + len(seen.between(place, "", at[place]))
    return 1 + len(seen.between(place, begun[place], at[place]))


def _alike(one: str, other: str) -> str:
    """How both begin."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return one[:place]
    return min(one, other, key=len)


def _next(letter: str) -> str:
    code = ord(letter) + 1
    return chr(_SURROGATES.stop if code in _SURROGATES else code)
