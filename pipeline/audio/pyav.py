"""Format and duration through PyAV (FFmpeg's demuxers) over ranged reads. The only file that imports av."""

from __future__ import annotations

import io
import os
from typing import Any

import av
import av.error

from pipeline.audio.base import AudioFacts, AudioProbe, RangeReader
from pipeline.errors import AudioRejectedError
from pipeline.models import AudioObject

_BLOCK_BYTES = 32_768  # one request usually suffices for a header; larger blocks waste, smaller ones multiply requests


class _OverBudgetError(Exception):
    """The probe wanted to read more than its budget; the duration is then unknown."""


class PyAvProbe(AudioProbe):
    """Reads at most `budget_bytes` per object, in blocks of 32 KiB."""

    def __init__(self, budget_bytes: int) -> None:
        self._budget_bytes = budget_bytes

    def probe(self, audio: AudioObject, reader: RangeReader) -> AudioFacts:
        """See `AudioProbe.probe`."""
        window = _Window(reader, self._budget_bytes)
        try:
            # probesize and analyzeduration keep FFmpeg from reading on when the header has told enough.
            with av.open(
                window, mode="r", metadata_errors="ignore", options={"probesize": "65536", "analyzeduration": "0"}
            ) as container:
                if not container.streams.audio:
                    raise AudioRejectedError(
                        f"{audio.uri} holds no audio stream (container {container.format.name}); nothing was paid. "
                        "Remove it or exclude it.",
                        "no_audio_stream",
                    )
                return AudioFacts(_duration_s(container), container.format.name)
        except _OverBudgetError:
            return AudioFacts(None, None)
        except (av.error.FFmpegError, ValueError, EOFError) as error:
            # PyAV passes on what a read raises, except where FFmpeg itself swallows it and fails in its own words.
            if isinstance(window.failure, _OverBudgetError):
                return AudioFacts(None, None)
            if window.failure is not None:
                raise window.failure from error
            raise AudioRejectedError(
                f"{audio.uri} is not audio that can be opened ({type(error).__name__}); nothing was paid. It may be "
                "truncated, or another kind of file under an audio name. Replace it or exclude it.",
                "not_audio",
            ) from error


def _duration_s(container: Any) -> float | None:
    if container.duration and container.duration > 0:
        return float(container.duration) / av.time_base
    stream = container.streams.audio[0]
    return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else None


class _Window(io.RawIOBase):
    """A seekable file over a `RangeReader` that keeps the blocks it has read and stops at the budget."""

    def __init__(self, reader: RangeReader, budget_bytes: int) -> None:
        super().__init__()
        self._reader = reader
        self._left_bytes = budget_bytes
        self._blocks: dict[int, bytes] = {}
        self._position = 0
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._reader.size_bytes}[whence]
        self._position = max(0, base + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        end = self._reader.size_bytes if size < 0 else min(self._position + size, self._reader.size_bytes)
        parts = []
        while self._position < end:
            number, offset = divmod(self._position, _BLOCK_BYTES)
            part = self._block(number)[offset : offset + end - self._position]
            if not part:
                break
            parts.append(part)
            self._position += len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            try:
                self._blocks[number] = self._fetch(number)
            except Exception as error:
                self.failure = error
                raise
        return self._blocks[number]

    def _fetch(self, number: int) -> bytes:
        if self._left_bytes <= 0:
            raise _OverBudgetError
        block = self._reader.read(number * _BLOCK_BYTES, _BLOCK_BYTES)
        self._left_bytes -= len(block)
        return block
