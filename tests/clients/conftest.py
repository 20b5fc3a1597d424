"""An emulator that fal's own clients can reach, and audio for it."""

import pytest
from audio_server import audio_server
from clients.driving import FalClient
from emulated_fal import emulators


@pytest.fixture(scope="session")
def reachable_fal(tmp_path_factory):
    with emulators(tmp_path_factory.mktemp) as start:
        yield start("--engine", "scripted", "--service-s", "0.01", with_tunnel=True)


@pytest.fixture
def fal(reachable_fal):
    """A scripted emulator with empty books and no faults."""
    reachable_fal.http.post("/emulator/reset")
    return reachable_fal


@pytest.fixture(params=["python", "python-async", "javascript"])
def client(request):
    return FalClient(request.param)


@pytest.fixture
def audio():
    with audio_server() as server:
        yield server


@pytest.fixture
def tone(audio):
    """The URL of two seconds of audio."""
    return f"{audio.url}/bucket/tone.wav"
