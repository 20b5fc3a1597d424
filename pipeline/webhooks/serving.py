"""Runs the receiver on uvicorn until SIGTERM or Ctrl-C. The one file that imports uvicorn."""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from pipeline import logs
from pipeline.errors import ConfigurationError

_GRACE_S = 10
"""For webhooks that have begun; fal sends again what is cut."""
_AT_ONCE = 200
"""Connections and running answers; beyond them 503, and fal sends again. Idle clients must not use up all sockets."""


class _Server(uvicorn.Server):
    """uvicorn that ends in order: its own handling raises the signal again when all is done, and ends with that."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        previous = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `ConfigurationError` when the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:  # what cannot be the name of a host is refused by its encoding
        raise _no_address(host, port, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _no_address(host, port, error) from None
    return listener


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serves until the process is told to stop."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # the receiver writes a line of its own, without addresses
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=_GRACE_S,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # it would tell in sentences of its own that it lives
    host, port = listener.getsockname()[:2]
    logs.get_logger().info("receiver_started", host=host, port=port)
    _Server(config).run([listener])
    logs.get_logger().info("receiver_stopped")


def _no_address(host: str, port: int, error: OSError | UnicodeError) -> ConfigurationError:
    why = getattr(error, "strerror", None) or error
    return ConfigurationError(
        f"Cannot listen on {host} port {port} ({why}). Choose another with --host and --port, or "
        "end what listens there.",
        "cannot_listen",
    )
