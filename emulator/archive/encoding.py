"""Writes raw samples as audio files of the kinds that podcast archives hold, with PyAV (no ffmpeg program needed)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import Enum

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from emulator.archive.clips import SAMPLE_BYTES

_FRAME_SAMPLES = 4096


@dataclass(frozen=True)
class _Format:
    container: str
    codec: str
    kbps: int | None = None  # None: the codec has no rate to choose
    layout: str = "mono"  # FFmpeg's own Vorbis encoder writes stereo only; PyAV's wheel has no other


class Encoding(Enum):
    """Container and codec of an episode."""

    MP3 = _Format("mp3", "libmp3lame", 48)
    M4A = _Format("ipod", "aac", 64)  # FFmpeg writes the moov atom last, as most recorders do
    WAV = _Format("wav", "pcm_s16le")
    FLAC = _Format("flac", "flac")
    OGG_VORBIS = _Format("ogg", "vorbis", 64, "stereo")
    OGG_OPUS = _Format("ogg", "libopus", 32)


def encode(samples: bytes, rate_hz: int, encoding: Encoding, title: str = "", kbps: int | None = None) -> bytes:
    """An audio file of `samples` (signed 16 bit, one channel). The same input gives the same bytes.

    An empty title writes no tags. `kbps` replaces the usual bit rate of a codec that has one. Opus takes 8, 12, 16,
    24 or 48 kHz only.
    """
    chosen = encoding.value
    file = io.BytesIO()
    # bitexact: no random stream serial and no encoder version, so that the ETags of the archive are stable.
    options = {"fflags": "+bitexact"} | ({} if title or encoding is not Encoding.MP3 else {"id3v2_version": "0"})
    with av.open(file, "w", format=chosen.container, options=options) as container:
        if title:
            container.metadata["title"] = title
        stream = container.add_stream(chosen.codec, rate=rate_hz, layout=chosen.layout)
        if not isinstance(stream, AudioStream):
            raise TypeError(f"{chosen.codec} is no audio codec")
        # Vorbis counts as experimental in FFmpeg; nothing else here is affected.
        # LAME's faster search (compression_level) takes a third of the time and is not heard at these rates.
        stream.codec_context.options = {"strict": "experimental"} | (
            {"compression_level": "7"} if encoding is Encoding.MP3 else {}
        )
        if chosen.kbps is not None:
            stream.bit_rate = (kbps or chosen.kbps) * 1000
        for start in range(0, len(samples), _FRAME_SAMPLES * SAMPLE_BYTES):
            chunk = samples[start : start + _FRAME_SAMPLES * SAMPLE_BYTES]
            frame = AudioFrame(format="s16", layout="mono", samples=len(chunk) // SAMPLE_BYTES)
            frame.planes[0].update(chunk)
            frame.sample_rate = rate_hz
            frame.pts = start // SAMPLE_BYTES
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
