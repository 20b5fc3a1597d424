"""The exporter's own server: what it answers to whoever asks, and what it says of those who go away."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from pipeline.errors import ConfigurationError
from pipeline.metrics.serving import open_server


class Page:
    """A scrape that is held until it is let go."""

    def __init__(self):
        self.begun, self.let_go = threading.Event(), threading.Event()

    def page(self, _accept):
        self.begun.set()
        self.let_go.wait(20)
        return b"x" * 5_000_000, "text/plain"


@pytest.fixture
def page():
    return Page()


@pytest.fixture
def server(page):
    server = open_server(page, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    page.let_go.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("path", ["/", "/metricsx", "/metrics/", "http://[::1/metrics", "/healthz/../metrics", "%"])
def test_what_is_not_there_is_said(server, path, capfd):
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=20) as client:
        client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = client.makefile("rb").read()

    assert answer.startswith(b"HTTP/1.0 404 ")
    assert capfd.readouterr() == ("", "")


def test_a_client_that_hangs_up_is_no_news(server, page, capfd, monkeypatch):
    ended = threading.Event()
    ends = server.shutdown_request
    monkeypatch.setattr(server, "shutdown_request", lambda request: (ends(request), ended.set()))
    with socket.create_connection(("127.0.0.1", server.server_port)) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert page.begun.wait(20)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # so that it is reset
    page.let_go.set()

    assert ended.wait(20)
    assert capfd.readouterr() == ("", "")


def test_a_host_that_cannot_be_one_is_refused():
    with pytest.raises(ConfigurationError, match=r"Cannot listen on a\.\.b port 0"):
        open_server(Page(), "a..b", 0)
