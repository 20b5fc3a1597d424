"""An audio server that holds a download until a test lets it go."""

import contextlib
import io
import math
import queue
import struct
import threading
import wave
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CLIPS = Path(__file__).parents[1] / "emulator" / "archive" / "clips"


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


@contextlib.contextmanager
def audio_server():
    """A server for the length of the context."""
    server = AudioServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.release()
    server.shutdown()
    thread.join()
    server.server_close()
