"""Five seconds of real speech in a form that every model takes, and what is no audio at all."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import av

from pipeline.speech.base import Recording

CLIP_S = 5
RATE_HZ = 16_000
_READING = Path(__file__).parents[2] / "emulator" / "archive" / "clips" / "sonnet-1.mp3"
NO_AUDIO = b"This is a text and no recording. " * 30


def speech() -> bytes:
    """A WAV file: the beginning of a sonnet, in the public domain."""
    samples = b""
    to_mono = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    with av.open(str(_READING)) as reading:
        for frame in reading.decode(audio=0):
            samples += b"".join(part.to_ndarray().tobytes() for part in to_mono.resample(frame))
            if len(samples) >= CLIP_S * RATE_HZ * 2:
                break
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE_HZ)
        written.writeframes(samples[: CLIP_S * RATE_HZ * 2])
    return file.getvalue()


def recording(name: str, content: bytes) -> Recording:
    """These bytes, for an upload."""
    return Recording(
        file_name=name,
        size_bytes=len(content),
        read=lambda start, length: content[start : start + length],
        uri=name,
    )
