"""Where the keys come from: what is no list of keys is a service that is away, never an empty list; and the command."""

from __future__ import annotations

import importlib.util
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from webhook_vectors import Sender, jwk

from pipeline.cli.session import Session
from pipeline.cli.webhook import webhook
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.speech.fal.jwks import fetch_keys

PUBLIC = Sender().public
GOOD = json.dumps({"keys": [jwk(PUBLIC)]}).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        code, body = self.server.answer
        self.send_response(code)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Says nothing."""


@pytest.fixture
def serve():
    """Lets a server answer once, and gives its URL."""
    with HTTPServer(("127.0.0.1", 0), _Handler) as server:
        threads = []

        def answer(code, body):
            server.answer = code, body
            threads.append(threading.Thread(target=server.handle_request))
            threads[-1].start()
            return f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json"

        yield answer
        for thread in threads:
            thread.join()


def fetch(url):
    return fetch_keys(url, connect_timeout_s=5, timeout_s=5)


def test_the_keys_are_fetched(serve):
    assert fetch(serve(200, GOOD)) == [PUBLIC]


@pytest.mark.parametrize(
    ("code", "body"),
    [(404, GOOD), (500, GOOD), (302, GOOD), (200, b""), (200, b'{"keys":[]}'), (200, b"x" * 1_000_001)],
    ids=["404", "500", "redirect", "empty", "no key", "too long"],
)
def test_anything_else_is_a_service_that_is_away(serve, code, body):
    with pytest.raises(ServiceUnavailableError) as caught:
        fetch(serve(code, body))

    assert caught.value.reason == "no_webhook_keys"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/jwks.json", "http://[broken/jwks.json"])
def test_a_place_that_is_not_there_is_a_service_that_is_away(url):
    with pytest.raises(ServiceUnavailableError):
        fetch(url)


def test_the_command_says_which_packages_it_needs(monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "cryptography" else there(name))

    with pytest.raises(ConfigurationError) as caught:
        webhook.main(["--port", "8077"], obj=Session({}), standalone_mode=False)

    assert "cryptography" in caught.value.message
    assert "nightscribe[webhook]" in caught.value.message
