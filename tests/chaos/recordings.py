"""The archive of a chaos run: good recordings, and some of every kind of bad ones among them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from emulator.archive.clips import samples
from emulator.archive.crowd import small_objects
from emulator.archive.encoding import Encoding, encode

Kind = Literal["good", "empty", "page", "noise", "cut", "refused"]
REFUSED = "bad/refused by fal"
"""What the keys of recordings begin with that fal refuses, by the fault script."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One object of the archive."""

    key: str
    kind: Kind
    body: bytes

    @property
    def is_good(self) -> bool:
        """Whether it can be transcribed."""
        return self.kind == "good"


def recordings(good: int, bad: int, seed: int) -> Iterator[Recording]:
    """All of them; the bad kinds in turn."""
    for key, body in small_objects(good):
        yield Recording(key, "good", body)
    whole = encode(samples("austen-2", 16_000), 16_000, Encoding.M4A, kbps=32)
    dice = random.Random(f"recordings:{seed}")
    (_, playable), *_ = small_objects(1)
    for number in range(bad):
        # An end cut off at a place of its own, and numbers, so that every object has its own ETag.
        mark = f"{number:05d}".encode()
        made = (
            Recording(f"bad/empty {number:05d}.mp3", "empty", b""),
            Recording(f"bad/page {number:05d}.mp3", "page", b"<!DOCTYPE html><html>404 not found</html>" * 50 + mark),
            Recording(f"bad/noise {number:05d}.wav", "noise", dice.randbytes(10_000)),
            Recording(f"bad/cut {number:05d}.m4a", "cut", whole[: len(whole) // 2 - number]),
            Recording(f"{REFUSED} {number:05d}.mp3", "refused", playable + mark),
        )
        yield made[number % len(made)]
