"""The local server: the page, and the recording out of S3, for one pair of eyes on this machine.

Everybody on the machine can reach a loopback port, and every web page in its browsers can try: so all that is handed
out lies under a path that nobody guesses, is asked for by the server's own name, and is kept by no cache.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any, cast

from pipeline import logs
from pipeline.errors import ConfigurationError, NightscribeError, SourceGoneError
from pipeline.models import Place, Sidecar
from pipeline.player.page import Recording, render_page
from pipeline.player.ranges import UnsatisfiableError, wanted
from pipeline.printable import printable
from pipeline.redaction import redact
from pipeline.storage.base import Head, Storage

_HOST = "127.0.0.1"
_TOKEN_BYTES = 24
_PIECE_BYTES = 1 << 20  # of the recording at once: a minute or so of it, a GET for each
_PATIENCE_S = 600  # a player that is paused reads no further; after this it must ask again where it went on
_TYPES = {
    ".aac": "audio/aac", ".flac": "audio/flac", ".m4a": "audio/mp4", ".mp3": "audio/mpeg", ".mp4": "audio/mp4",
    ".oga": "audio/ogg", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".wav": "audio/wav", ".webm": "audio/webm",
}  # fmt: skip
_ALWAYS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Player:
    """A transcript and its recording. `load` reads the sidecar, at each look at the page anew; it raises our errors."""

    storage: Storage
    audio: Place
    """The recording: its `prefix` is the whole key."""
    load: Callable[[], Sidecar]

    def page(self, nonce: str) -> str:
        """The page as it is now."""
        sidecar, head = self.load(), self.head()
        is_as_transcribed = head is None or head.etag == sidecar.object.etag
        return render_page(sidecar, Recording(head is not None, is_as_transcribed), nonce=nonce)

    def head(self) -> Head | None:
        """The recording that is there now."""
        return self.storage.head(self.audio.bucket, self.audio.prefix)

    def pieces(self, positions: range, etag: str) -> Iterator[bytes]:
        """These bytes of the version with this ETag, in pieces that fit into memory."""
        for start in range(positions.start, positions.stop, _PIECE_BYTES):
            length = min(_PIECE_BYTES, positions.stop - start)
            yield self.storage.read_range(self.audio.bucket, self.audio.prefix, start, length, if_match=etag).body

    @property
    def content_type(self) -> str:
        """What the key says; browsers look into what it does not tell."""
        return _TYPES.get(PurePosixPath(self.audio.prefix).suffix.lower(), "application/octet-stream")


class PlayerServer(ThreadingHTTPServer):
    """Serves one transcript on a port of this machine; port 0 takes a free one. Made, it listens.

    Raises `ConfigurationError` (`cannot_listen`) when the port cannot be had.
    """

    daemon_threads = True  # Ctrl-C does not wait for a player that is paused
    block_on_close = False

    def __init__(self, player: Player, port: int = 0) -> None:
        self.player = player
        self._token = secrets.token_urlsafe(_TOKEN_BYTES)
        self._entry: str | None = secrets.token_urlsafe(_TOKEN_BYTES)
        try:
            super().__init__((_HOST, port), _Answering)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot listen on {_HOST} port {port} ({error.strerror or error}). Choose another --port, or leave it "
                "out to take any that is free.",
                "cannot_listen",
            ) from None

    @property
    def url(self) -> str:
        """Where the page is, as long as the server runs. Whoever knows it can read and hear."""
        return f"http://{_HOST}:{self.server_port}/{self._token}/"

    @property
    def entry_url(self) -> str:
        """Leads to the page once. A browser is started with it, for all users of a machine see how programs start."""
        return f"http://{_HOST}:{self.server_port}/{self._entry}"

    def is_own_name(self, host: str | None) -> bool:
        """Whether a request names this server: a foreign name that was led here (DNS rebinding) is refused."""
        return host in {f"{_HOST}:{self.server_port}", f"localhost:{self.server_port}"}

    def place(self, path: str) -> str | None:
        """What is asked for under the secret path: `""` the page, `audio` the recording. None: nothing of ours."""
        token, slash, rest = path.removeprefix("/").partition("/")
        known = hmac.compare_digest(token.encode(), self._token.encode())
        return rest.partition("?")[0] if known and slash else None

    def enters(self, path: str) -> bool:
        """Whether this is the way in, which is closed behind the first who takes it."""
        entry = self._entry
        if entry is None or not hmac.compare_digest(path.removeprefix("/").encode(), entry.encode()):
            return False
        self._entry = None
        return True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  socketserver's signature
        """A browser that hangs up is none; the rest is our fault, and said without the path."""
        if not isinstance(sys.exception(), OSError):
            logs.get_logger().exception("page_failed_by_our_fault")


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    headers: dict[str, str] = field(default_factory=dict)
    body: Iterator[bytes] | bytes = b""
    length: int | None = None
    """Of a body that comes in pieces."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "nightscribe", ""
    timeout = _PATIENCE_S

    def do_GET(self) -> None:
        """Sends what is asked for."""
        self._send(self._answer())

    def do_HEAD(self) -> None:
        """Sends the headers of the same."""
        self._send(self._answer())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its base's name
        """Says nothing: the path is a secret."""

    def _answer(self) -> _Answer:
        server = cast("PlayerServer", self.server)
        if not server.is_own_name(self.headers.get("Host")):
            return _said(HTTPStatus.FORBIDDEN, "This is not the name of this server.")
        if server.enters(self.path):
            return _Answer(HTTPStatus.SEE_OTHER, {"Location": server.url})
        place = server.place(self.path)
        if place not in {"", "audio"}:
            return _said(HTTPStatus.NOT_FOUND, "Nothing is here. The address stands in the terminal, as a whole.")
        try:
            return _page(server.player) if place == "" else self._recording(server.player)
        except NightscribeError as error:
            is_gone = isinstance(error, SourceGoneError) or error.reason == "no_transcript"
            return _said(HTTPStatus.NOT_FOUND if is_gone else HTTPStatus.BAD_GATEWAY, error.message)

    def _recording(self, player: Player) -> _Answer:
        head = player.head()
        if head is None:
            return _said(HTTPStatus.NOT_FOUND, "The recording is no longer in S3.")
        etag, size_bytes = f'"{head.etag}"', head.size_bytes
        headers = {"Accept-Ranges": "bytes", "Content-Type": player.content_type, "ETag": etag}
        is_current = self.headers.get("If-Range", etag) == etag
        try:
            part = wanted(self.headers.get("Range") if is_current else None, size_bytes)
        except UnsatisfiableError:
            return _Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, {"Content-Range": f"bytes */{size_bytes}"})
        positions = range(size_bytes) if part is None else part
        if part is not None:
            headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size_bytes}"
        pieces = player.pieces(positions, head.etag)
        # The first piece is read before anything is sent, so that what is wrong can still be said.
        first = next(pieces, b"") if self.command == "GET" else b""
        status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
        return _Answer(status, headers, _after(first, pieces), len(positions))

    def _send(self, answer: _Answer) -> None:
        body = [answer.body] if isinstance(answer.body, bytes) else answer.body
        length = len(answer.body) if isinstance(answer.body, bytes) else answer.length
        self.send_response(answer.status)
        for name, value in {**_ALWAYS, **answer.headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            for piece in body:
                self.wfile.write(piece)
        except (NightscribeError, OSError):
            # Too late to say why; the player asks again, and is told then. Or it has hung up, as when it seeks.
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


def _page(player: Player) -> _Answer:
    nonce = secrets.token_urlsafe(_TOKEN_BYTES)
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "media-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    }
    return _Answer(HTTPStatus.OK, headers, player.page(nonce).encode(errors="replace"))


def _said(status: HTTPStatus, message: str) -> _Answer:
    text = printable(redact(message)) + "\n"
    return _Answer(status, {"Content-Type": "text/plain; charset=utf-8"}, text.encode(errors="replace"))


def _after(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from pieces
