"""The transcriber over real sockets: how it uses connections, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipeline.cancellation import CancellationToken
from pipeline.speech.fal.transcriber import FalTranscriber


def loop_threads():
    """The threads that an event loop of ours runs on."""
    return [thread for thread in threading.enumerate() if thread.name == "fal-loop"]


class Server:
    """A real HTTP server for one test; answers every POST as accepted, and closes each connection when told."""

    def __init__(self):
        self.connections = 0
        self._talks = set()
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _serve(self):
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._main())

    async def _main(self):
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*self._talks)  # each ends when its client has closed

    async def _talk(self, reader, writer):
        self.connections += 1
        self._talks.add(asyncio.current_task())
        while head := await self._head(reader):
            length = next((int(line.split(b":")[1]) for line in head if line.lower().startswith(b"content-length")), 0)
            await reader.readexactly(length)
            base = f"{self.url}/fal-ai/whisper/requests/1"
            body = json.dumps(
                {
                    "request_id": "1",
                    "status": "COMPLETED",
                    "text": "over a real socket",
                    "status_url": f"{base}/status",
                    "response_url": base,
                    "cancel_url": f"{base}/cancel",
                }
            ).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
            writer.write(f"content-length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    @staticmethod
    async def _head(reader):
        try:
            return (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None


def transcribe(transcriber, recipe):
    """One whole request."""
    request = transcriber.submit(recipe, "https://x.test/a.mp3")
    transcriber.wait(request, audio_s=1.0, cancel=CancellationToken())
    return transcriber.fetch(request, recipe).transcript.text


@pytest.fixture
def server():
    with Server() as started:
        yield started


@pytest.fixture
def real(server, fal_settings, polling):
    """A transcriber over real sockets."""
    settings = fal_settings.model_copy(update={"queue_url": server.url, "backup_url": ""})
    transcriber = FalTranscriber(settings, polling, SecretStr("id:secret"), "test/1")
    yield transcriber
    transcriber.close()


def test_after_close_neither_thread_nor_socket_is_left(fal_settings, polling, recipe):
    """Unclosed sockets would also fail this test as warnings."""
    threads, files = set(threading.enumerate()), sockets()

    with Server() as server:
        settings = fal_settings.model_copy(update={"queue_url": server.url, "backup_url": ""})
        transcriber = FalTranscriber(settings, polling, SecretStr("id:secret"), "test/1")
        assert transcribe(transcriber, recipe) == "over a real socket"
        assert len(loop_threads()) == 1 + sum(thread.name == "fal-loop" for thread in threads)
        transcriber.close()

    assert set(threading.enumerate()) == threads
    assert sockets() == files


def sockets():
    """The sockets that this process has open, the test server's ends included."""
    links = []
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing's own descriptor
            links.append(str(file.readlink()))
    return {link for link in links if link.startswith("socket:")}


def test_a_paid_post_never_travels_over_a_used_connection(real, server, recipe):
    for _ in range(3):
        real.submit(recipe, "https://x.test/a.mp3")

    assert server.connections == 3


def test_looks_share_their_connection(real, server, recipe):
    request = real.submit(recipe, "https://x.test/a.mp3")
    for _ in range(5):
        real.wait(request, audio_s=None, cancel=CancellationToken())

    assert server.connections == 2


def test_many_threads_share_one_transcriber(real, recipe):
    before = len(loop_threads())

    with ThreadPoolExecutor(16) as pool:
        texts = list(pool.map(lambda _: transcribe(real, recipe), range(64)))

    assert texts == ["over a real socket"] * 64
    assert len(loop_threads()) == before + 1


def test_a_forked_child_gets_a_loop_of_its_own(real, recipe, monkeypatch):
    """The fork is played by a process id that has changed: forking the test's own threads would be unsafe."""
    transcribe(real, recipe)
    parents = real._here()

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.speech.fal.transcriber.os.getpid", lambda: -1)
        assert transcribe(real, recipe) == "over a real socket"
        childs = real._here()
        real.close()

    assert childs[0] is not parents[0]
    assert childs[1] is not parents[1]
    parents[1].close()
