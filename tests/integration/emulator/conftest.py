"""The fal emulator as a process of its own, and an audio server that holds a download until a test lets it go."""

import pytest
from audio_server import audio_server
from emulated_fal import OTHER_KEY, emulators


@pytest.fixture(scope="session")
def start_fal(tmp_path_factory):
    """Starts emulators with the given options; ends all of them at the end of the session."""
    with emulators(tmp_path_factory.mktemp) as start:
        yield start


@pytest.fixture(scope="session")
def shared_fal(start_fal):
    return start_fal("--engine", "scripted", "--service-s", "0.01")


@pytest.fixture
def fal(shared_fal):
    """A scripted emulator with empty books and no faults."""
    shared_fal.http.post("/emulator/reset")
    return shared_fal


@pytest.fixture
def audio():
    with audio_server() as server:
        yield server


@pytest.fixture
def tone(audio):
    """The URL of two seconds of audio, with a query as a presigned URL has."""
    return f"{audio.url}/bucket/tone.wav?signature=canary-signature"


@pytest.fixture
def other_key():
    return {"authorization": f"Key {OTHER_KEY}"}
