"""The vendored recordings: their bytes, their samples and their reference texts. Reads package data only."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

import av
from av.audio.resampler import AudioResampler

SAMPLE_BYTES = 2  # signed 16 bit, one channel


@dataclass(frozen=True)
class Clip:
    """One recording: the name of its file, its duration in seconds and the words that are read."""

    file: str
    duration_s: float
    text: str


@cache
def clips() -> dict[str, Clip]:
    """All clips by name: `sonnet-1` to `sonnet-3`, `austen-1` to `austen-5`."""
    rows = json.loads(_folder().joinpath("references.json").read_text("utf-8"))
    return {name: Clip(**row) for name, row in rows.items()}


def original(name: str) -> bytes:
    """The bytes of a clip as they are vendored."""
    return _folder().joinpath("clips", clips()[name].file).read_bytes()


def samples(name: str, rate_hz: int) -> bytes:
    """A clip as raw samples: signed 16 bit, little endian, one channel, at `rate_hz`."""
    with av.open(io.BytesIO(original(name)), "r") as container:
        resampler = AudioResampler(format="s16", layout="mono", rate=rate_hz)
        frames = [
            resampled
            for frame in container.decode(container.streams.audio[0])
            for resampled in resampler.resample(frame)
        ]
    frames += resampler.resample(None)
    # A plane may be longer than its samples, for alignment.
    return b"".join(bytes(frame.planes[0])[: frame.samples * SAMPLE_BYTES] for frame in frames)


def silence(duration_s: float, rate_hz: int) -> bytes:
    """Digital silence in the same form as `samples`."""
    return bytes(round(duration_s * rate_hz) * SAMPLE_BYTES)


def _folder() -> Traversable:
    return resources.files("emulator.archive")
