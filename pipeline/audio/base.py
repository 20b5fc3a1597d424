"""AudioProbe: format and duration of an audio object from a few ranged reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from pipeline.models import AudioObject


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What the head of a file tells. None means: not told within the byte budget, which is not an error."""

    duration_s: float | None
    container: str | None


class RangeReader(ABC):
    """Reads parts of one object; what a probe gets instead of a storage, so that edges stay apart."""

    @property
    @abstractmethod
    def size_bytes(self) -> int:
        """The object's whole size."""

    @abstractmethod
    def read(self, start: int, length: int) -> bytes:
        """Reads `length` bytes from `start`; fewer at the end."""


class AudioProbe(ABC):
    """Pure of network itself; everything it reads comes through the reader."""

    @abstractmethod
    def probe(self, audio: AudioObject, reader: RangeReader) -> AudioFacts:
        """Raises `AudioRejectedError` when the bytes are no audio that FFmpeg knows, or hold no audio stream."""
