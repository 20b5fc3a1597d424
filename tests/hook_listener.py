"""A real HTTP server that takes a message as told, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SECRET_PATH = "/services/T0SECRET/B0SECRET/swordfish"


class Listener(ThreadingHTTPServer):
    """Answers each request with the next of `answers` (status, headers, body); the last one stays."""

    def __init__(self, *answers: tuple[int, dict[str, str], str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers or [(200, {}, "ok")])
        self.paths: list[str] = []
        self.messages: list[Any] = []
        self.url = f"http://127.0.0.1:{self.server_port}{SECRET_PATH}"
        self.held = threading.Event()
        """Clear it, and no answer is given until it is set."""
        self.held.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.held.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address) -> None:
        """Says nothing: who gives up waiting breaks off."""


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.paths.append(self.path)
        self.server.messages.append(json.loads(body))
        answers = self.server.answers
        status, headers, text = answers.pop(0) if len(answers) > 1 else answers[0]
        self.server.held.wait(30)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args) -> None:
        """Says nothing."""
