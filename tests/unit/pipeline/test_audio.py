"""The preflight's probe on real files: format, duration, poison, and how little it reads."""

from __future__ import annotations

import io
import wave

import av
import builders
import pytest

from pipeline.audio.base import AudioFacts, RangeReader
from pipeline.audio.pyav import PyAvProbe
from pipeline.errors import AudioRejectedError, ServiceUnavailableError

BUDGET = 2_097_152


class Bytes(RangeReader):
    """A file in memory that counts what is read of it."""

    def __init__(self, body: bytes, error: Exception | None = None) -> None:
        self.body = body
        self.error = error
        self.read_bytes = 0

    @property
    def size_bytes(self) -> int:
        return len(self.body)

    def read(self, start: int, length: int) -> bytes:
        if self.error:
            raise self.error
        part = self.body[start : start + length]
        self.read_bytes += len(part)
        return part


def encoded(container: str, codec: str, seconds: float = 60.0, rate: int = 48000) -> bytes:
    """A quiet tone in the given format."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size or 1024
        )
        frame = av.AudioFrame(format="s16", layout="mono", samples=rate)
        frame.planes[0].update(b"\x01\x00" * rate)
        frame.sample_rate = rate
        for second in range(round(seconds)):
            frame.pts = second * rate
            for part in resampler.resample(frame):
                output.mux(stream.encode(part))
        for part in resampler.resample(None):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return file.getvalue()


FORMATS = {
    "mp3": ("mp3", "libmp3lame"),
    "m4a": ("ipod", "aac"),
    "flac": ("flac", "flac"),
    "opus": ("ogg", "libopus"),
    "webm": ("webm", "libopus"),
    "wav": ("wav", "pcm_s16le"),
}


@pytest.mark.parametrize(("container", "codec"), FORMATS.values(), ids=FORMATS.keys())
def test_the_duration_is_found_in_every_podcast_format(container, codec):
    facts = PyAvProbe(BUDGET).probe(builders.audio(), Bytes(encoded(container, codec)))

    assert facts.duration_s == pytest.approx(60.0, abs=0.2)


def test_a_long_file_is_not_downloaded_to_learn_its_length():
    reader = Bytes(encoded("wav", "pcm_s16le", 600))

    PyAvProbe(BUDGET).probe(builders.audio(), reader)

    assert reader.size_bytes > 50_000_000
    assert reader.read_bytes < 300_000


def test_beyond_its_budget_the_duration_is_unknown_and_nothing_is_wrong():
    reader = Bytes(encoded("ipod", "aac", 200))  # the index is at the end: it takes more than one block

    assert PyAvProbe(40_000).probe(builders.audio(), reader) == AudioFacts(None, None)


def test_a_truncated_m4a_is_poison():
    """Its index stood at the end that was cut away."""
    whole = encoded("ipod", "aac", 20)

    with pytest.raises(AudioRejectedError) as caught:
        PyAvProbe(BUDGET).probe(builders.audio(), Bytes(whole[: len(whole) // 2]))

    assert caught.value.reason == "not_audio"


@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE html><html><body>404</body></html>" * 40, b"\x00" * 5000, b"x", b"%PDF-1.7 " * 900],
    ids=["html", "zeros", "one byte", "pdf"],
)
def test_other_files_under_an_audio_name_are_poison(body):
    with pytest.raises(AudioRejectedError):
        PyAvProbe(BUDGET).probe(builders.audio(), Bytes(body))


def test_a_video_without_sound_is_poison():
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=24)
        stream.width = stream.height = 64
        output.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(stream.encode(None))

    with pytest.raises(AudioRejectedError) as caught:
        PyAvProbe(BUDGET).probe(builders.audio(), Bytes(file.getvalue()))

    assert caught.value.reason == "no_audio_stream"


def test_a_failing_read_is_not_taken_for_poison():
    """S3 being away says nothing about the audio."""
    with pytest.raises(ServiceUnavailableError):
        PyAvProbe(BUDGET).probe(builders.audio(), Bytes(b"x" * 100, ServiceUnavailableError("S3 is away")))


def test_a_wave_file_by_another_writer():
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(8000)
        output.writeframes(b"\x00\x00" * 8000 * 3)

    facts = PyAvProbe(BUDGET).probe(builders.audio("a.wav"), Bytes(file.getvalue()))

    assert facts == AudioFacts(3.0, "wav")
