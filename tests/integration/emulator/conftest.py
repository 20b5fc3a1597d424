"""The fal emulator as a process of its own, and an audio server that holds a download until a test lets it go."""

import contextlib
import io
import json
import math
import queue
import struct
import subprocess
import sys
import threading
import time
import wave
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[3]
CLIPS = ROOT / "emulator" / "archive" / "clips"
KEY = "11111111-aaaa:canary-secret-one"
OTHER_KEY = "22222222-bbbb:canary-secret-two"
START_S = 20  # A cold start of Python on a busy machine, many times over.


class Fal:
    """A running emulator and an HTTP client with a good key."""

    def __init__(self, process, url, log_file):
        self.process = process
        self.url = url
        self.log_file = log_file
        self.http = httpx.Client(
            base_url=url, headers={"authorization": f"Key {KEY}"}, timeout=20, follow_redirects=False, trust_env=False
        )

    def submit(self, audio_url, endpoint="fal-ai/whisper", headers=None, **arguments):
        """The request's status object as answered to the submit."""
        answer = self.http.post(f"/{endpoint}", json={"audio_url": audio_url, **arguments}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, request, logs="0"):
        """All status events until COMPLETED: the stream ends by itself, so nothing needs to sleep."""
        with self.http.stream("GET", f"{request['status_url']}/stream", params={"logs": logs}) as answer:
            assert answer.status_code == 200
            return [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line]

    def result(self, request):
        """The answer of the result route after completion."""
        self.wait(request)
        return self.http.get(request["response_url"])

    def transcribe(self, audio_url, endpoint="fal-ai/whisper", **arguments):
        """Submit, wait, result."""
        return self.result(self.submit(audio_url, endpoint, **arguments))

    def ledger(self):
        """The books."""
        return self.http.get("/emulator/ledger").json()

    def faults(self, *rules):
        """Replaces the fault script."""
        answer = self.http.post("/emulator/faults", json=list(rules))
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="session")
def start_fal(tmp_path_factory):
    """Starts emulators with the given options; ends all of them at the end of the session."""
    with contextlib.ExitStack() as running:

        def start(*options):
            folder = tmp_path_factory.mktemp("fal")
            (folder / "keys").write_text(f"# accepted\n{KEY}\n{OTHER_KEY}\n")
            files = ["--port-file", folder / "port", "--key-file", folder / "keys", "--log-level", "DEBUG"]
            with (folder / "log").open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "emulator", "fal", *files, *options],
                    cwd=ROOT,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            running.callback(_end, process)
            url = f"http://127.0.0.1:{_port(process, folder / 'port', folder / 'log')}"
            fal = Fal(process, url, folder / "log")
            running.callback(fal.http.close)
            return fal

        yield start


def _port(process, file, log):
    deadline = time.monotonic() + START_S
    while not file.exists():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return int(file.read_text())


def _end(process):
    process.kill()
    process.wait()


@pytest.fixture(scope="session")
def shared_fal(start_fal):
    return start_fal("--engine", "scripted", "--service-s", "0.01")


@pytest.fixture
def fal(shared_fal):
    """A scripted emulator with empty books and no faults."""
    shared_fal.http.post("/emulator/reset")
    return shared_fal


class AudioServer(ThreadingHTTPServer):
    """Serves a tone, silence, junk and the vendored clips; /held/ paths answer only after `release()`."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.arrived = queue.Queue()
        self.released = threading.Event()

    def release(self):
        """Lets every held download go on."""
        self.released.set()

    def wait_for(self, count):
        """Returns when this many downloads have begun."""
        for _ in range(count):
            self.arrived.get(timeout=20)

    def handle_error(self, request, client_address):
        """Says nothing: an emulator that is killed breaks its downloads off."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        self.server.arrived.put(path)
        if path.startswith("/held/"):
            self.server.released.wait(30)
        name = path.rpartition("/")[2]
        body = (CLIPS / name).read_bytes() if (CLIPS / name).is_file() else FILES.get(name)
        self.send_response(200 if body is not None else 404)
        self.send_header("content-length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args):
        """Says nothing."""


def wav(seconds, amplitude):
    """A 440 Hz tone at 8 kHz, or silence."""
    frames = [int(amplitude * math.sin(2 * math.pi * 440 * at / 8000)) for at in range(int(8000 * seconds))]
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(struct.pack(f"<{len(frames)}h", *frames))
    return file.getvalue()


FILES = {"tone.wav": wav(2, 8000), "a%20b.wav": wav(2, 8000), "silence.wav": wav(2, 0), "junk.mp3": b"<html>no</html>"}


@pytest.fixture
def audio():
    server = AudioServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.release()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def tone(audio):
    """The URL of two seconds of audio, with a query as a presigned URL has."""
    return f"{audio.url}/bucket/tone.wav?signature=canary-signature"


@pytest.fixture
def other_key():
    return {"authorization": f"Key {OTHER_KEY}"}
