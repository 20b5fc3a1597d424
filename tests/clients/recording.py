"""A server between a client and the emulator that writes down every request as it came over the wire."""

import asyncio
import contextlib
import http.client
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from emulator.fal.tunnel import Tunnel

TARGET_HEADER = "x-fal-target-url"


@dataclass(frozen=True)
class Recorded:
    """One request. Header names are in lower case; none came twice."""

    method: str
    host: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Recorder:
    """Passes everything on to an emulator; also by the names of fal's hosts, through a tunnel of its own."""

    def __init__(self, fal, folder):
        self.recorded = []
        self.ca_file = folder / "recorder.pem"
        self._fal = urlsplit(fal.url).netloc
        self._folder = folder

    @contextlib.contextmanager
    def serving(self):
        """Records for the length of the context."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.recorder = self
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        opened = Future()
        with ThreadPoolExecutor(2) as pool:
            pool.submit(server.serve_forever, 0.01)
            tunnelling = pool.submit(asyncio.run, self._tunnel(server.server_port, opened))
            loop, ended, port = opened.result(10)
            self.tunnel_url = f"http://127.0.0.1:{port}"
            yield self
            loop.call_soon_threadsafe(ended.set)
            server.shutdown()
            tunnelling.result(10)
        server.server_close()

    async def _tunnel(self, port, opened):
        tunnel, ended = Tunnel("127.0.0.1", port, self.ca_file, self._folder), asyncio.Event()
        opened.set_result((asyncio.get_running_loop(), ended, await tunnel.open()))
        await ended.wait()
        tunnel.close()

    def pass_on(self, method, path, headers, body):
        """Writes the request down and gets the emulator's answer: code, headers, body."""
        lower = {name.lower(): value for name, value in headers}
        assert len(lower) == len(headers), f"a header came twice: {headers}"
        url = urlsplit(lower.get(TARGET_HEADER, path))
        host = url.netloc or lower["host"]
        self.recorded.append(Recorded(method, host, url.path, dict(parse_qsl(url.query)), lower, body))
        connection = http.client.HTTPConnection(self._fal)
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        with contextlib.closing(connection):
            return answer.status, answer.getheaders(), answer.read()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status, headers, content = self.server.recorder.pass_on(self.command, self.path, self.headers.items(), body)
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - the names that http.server looks for

    def log_message(self, *args):
        """Says nothing."""
