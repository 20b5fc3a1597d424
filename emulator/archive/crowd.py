"""Many small objects for load tests: valid audio of a few kilobytes each, all different, made in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator

from emulator.archive.clips import samples
from emulator.archive.encoding import Encoding, encode

_RATE_HZ = 16_000
_CLIP = "austen-2"  # three seconds: the shortest


def small_objects(count: int, *, shows: int = 10) -> Iterator[tuple[str, bytes]]:
    """Yields `count` pairs of key and bytes: one short MP3 under as many titles, spread evenly over `shows` shows.

    The title is in an ID3 tag, so that every object has its own ETag. Keys do not depend on `count`.
    """
    audio = encode(samples(_CLIP, _RATE_HZ), _RATE_HZ, Encoding.MP3, kbps=16)
    for number in range(count):
        title = f"episode {number:06d}"
        yield f"show {number % shows:03d}/{title}.mp3", _id3(title) + audio


def _id3(title: str) -> bytes:
    """An ID3v2.4 tag with a title (id3.org, ID3v2.4 sections 3.1 and 4.2); short enough for one-byte sizes."""
    text = b"\x03" + title.encode()  # 3: UTF-8
    frame = b"TIT2" + len(text).to_bytes(4, "big") + b"\0\0" + text
    return b"ID3\x04\0\0" + len(frame).to_bytes(4, "big") + frame
