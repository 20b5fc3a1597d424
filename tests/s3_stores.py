"""S3 stores for tests: moto, a client of ours for any store, and a proxy that makes a store misbehave."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Collection
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self
from urllib.parse import urlsplit

import boto3
import builders
from botocore.awsrequest import AWSResponse
from moto.server import ThreadedMotoServer

from pipeline.storage.s3 import S3Storage

_HOP = {"connection", "transfer-encoding", "content-length", "expect"}


@contextmanager
def moto_store():
    """A moto server in this process, as the variables that choose it. It checks no signatures."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }
    finally:
        server.stop()


def s3_storage(monkeypatch, variables, **made_with):
    """Yields our client of the store that these variables choose, and closes it."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in variables.items() | {("AWS_REGION", "us-east-1"), ("AWS_DEFAULT_REGION", "us-east-1")}:
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    ours = {name: variables[name] for name in variables if name.startswith("NIGHTSCRIBE_")}
    storage = S3Storage(builders.settings(NIGHTSCRIBE_S3_MAX_ATTEMPTS="2", **ours).s3, **made_with)
    yield storage
    storage.close()


def in_region(storage, region, status=200):
    """Lets AWS, which is not asked, tell where each bucket is; the URLs at which it would have been."""
    asked = []

    def answer(request, **_):
        asked.append(request.url)
        return AWSResponse(request.url, status, {"x-amz-bucket-region": region} if region else {}, _Nothing())

    storage._client.meta.events.register("before-send.s3.HeadBucket", answer)
    return asked


class _Nothing:
    """The body of an answer that has none."""

    @staticmethod
    def stream(**_):
        return iter(())


def with_client(act):
    """What `act` makes of a plain client of the chosen store."""
    client = boto3.session.Session().client("s3")  # boto3's default session would remember other credentials
    try:
        return act(client)
    finally:
        client.close()


@dataclass(frozen=True)
class Act:
    """What happens to the next request of `method`, once."""

    method: str
    status: int | None = None
    """Answer so, without asking the server."""
    body: bytes = b""
    lose_reply: bool = False
    """Let the server do it, and break the connection before the answer."""
    cut_at: int | None = None
    """Pass on only so many bytes of the answer's body, then break the connection."""
    etag: str | None = None
    """Pass on this ETag in place of the store's; an empty one is left out."""


def refusal(method: str, status: int, code: str) -> Act:
    """A refusal in S3's own form; a HEAD's and a 304's have no body."""
    body = f"<Error><Code>{code}</Code><Message>scripted</Message></Error>".encode()
    return Act(method, status, b"" if method == "HEAD" or status == 304 else body)


class S3Proxy:
    """A proxy before a store that checks no signatures, which bends what passes.

    Serves on a loopback port while its context lasts. Headers named in `without` never reach the store. `acts` are
    done in their order, each to the first request of its method; `requests` are the methods that came, `targets` where
    to.
    """

    def __init__(self, upstream: str, without: Collection[str] = ()) -> None:
        self.acts: list[Act] = []
        self.requests: list[str] = []
        self.targets: list[str] = []
        self.host = urlsplit(upstream).netloc
        self.dropped = _HOP | set(without)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, method: str, target: str) -> Act:
        """What happens to a request that has come."""
        self.requests.append(method)
        self.targets.append(target)
        act = next((act for act in self.acts if act.method == method), None)
        if act is None:
            return Act(method)
        self.acts.remove(act)
        return act

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, proxy: S3Proxy, *connection) -> None:
        self.proxy = proxy
        super().__init__(*connection)

    def handle_any(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        act = self.proxy.take(self.command, self.path)
        if act.status is not None:
            self._answer(act.status, {}, act.body)
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in self.proxy.dropped}
        with closing(http.client.HTTPConnection(self.proxy.host, timeout=30)) as store:
            store.request(self.command, self.path, sent, headers)
            answer = store.getresponse()
            body = answer.read()
        headers = dict(answer.getheaders())
        if act.etag is not None:
            headers = {name: act.etag if name.lower() == "etag" else value for name, value in headers.items()}
            headers = {name: value for name, value in headers.items() if value}
        if act.lose_reply:
            self._break()
        else:
            self._answer(answer.status, headers, body, act.cut_at)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any  # noqa: N815  http.server's names

    def _answer(self, status: int, headers: dict[str, str], body: bytes, cut_at: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(body[:cut_at])
        if cut_at is not None:
            self._break()

    def _break(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_) -> None:
        """Silent: what came is in `requests`."""
