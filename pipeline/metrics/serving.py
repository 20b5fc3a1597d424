"""Serves GET /metrics and /healthz over plain HTTP, until it is told to stop."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pipeline import logs
from pipeline.errors import ConfigurationError
from pipeline.metrics.exposition import Scrape

_IDLE_S = 10.0  # a client that says nothing must not keep a thread


def open_server(scrape: Scrape, host: str, port: int) -> ThreadingHTTPServer:
    """A server that listens; 0 is any free port. Raises `ConfigurationError` when the address cannot be had."""
    one_at_a_time = threading.Lock()  # of scrapes that come together, each would ask Redis the same

    class Handler(BaseHTTPRequestHandler):
        timeout = _IDLE_S
        server_version, sys_version = "nightscribe", ""

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                with one_at_a_time:
                    body, content_type = _page(scrape, self.headers.get("Accept") or "")
                self._answer(HTTPStatus.OK if body else HTTPStatus.INTERNAL_SERVER_ERROR, body, content_type)
            elif path == "/healthz":
                self._answer(HTTPStatus.OK, b"ok\n", "text/plain; charset=utf-8")
            else:
                self._answer(HTTPStatus.NOT_FOUND, b"Here are /metrics and /healthz.\n", "text/plain; charset=utf-8")

        do_HEAD = do_GET  # noqa: N815  as the standard library names it

        def log_message(self, *_: object) -> None:
            """Nothing: a scrape every few seconds is no news, and a request line may hold anything."""

        def _answer(self, status: HTTPStatus, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  socketserver's signature
            """A client that hangs up, as Prometheus does after its timeout, is none; the rest is our fault."""
            if not isinstance(sys.exception(), OSError):
                logs.get_logger().exception("scrape_failed_by_our_fault")

    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        Server.address_family = family
        return Server(address[:2], Handler)  # type: ignore[arg-type]  # of IPv4 and IPv6, the only families asked for
    except (OSError, UnicodeError) as error:  # what cannot be the name of a host is refused by its encoding
        why = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"Cannot listen on {host} port {port} ({why}). Choose another with --host and --port, "
            "or end what listens there.",
            "cannot_listen",
        ) from None


def serve(
    server: ThreadingHTTPServer, background: Callable[[threading.Event], None], until: Callable[[], object]
) -> None:
    """Serves until `until` returns; `background` runs in a thread of its own and heeds the event that is set then."""
    stopped = threading.Event()
    threads = [
        threading.Thread(target=server.serve_forever, name="http", daemon=True),
        threading.Thread(target=background, args=(stopped,), name="manifests", daemon=True),
    ]
    for thread in threads:
        thread.start()
    until()
    stopped.set()
    server.shutdown()
    server.server_close()


def _page(scrape: Scrape, accept: str) -> tuple[bytes, str]:
    try:
        return scrape.page(accept)
    except Exception:  # noqa: BLE001  the next scrape may succeed, and the handler would print a traceback to stderr
        logs.get_logger().exception("scrape_failed_by_our_fault")
        return b"", "text/plain; charset=utf-8"
