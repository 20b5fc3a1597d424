"""HTTP/1.1 with keep-alive over an asyncio protocol: just what S3 clients need, and little CPU per request.

Standard library only, for the S3 server's process. Knows nothing of S3 but how its clients frame bodies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple, cast
from urllib.parse import unquote, unquote_plus

_END_OF_HEAD = b"\r\n\r\n"
_MAX_HEAD_BYTES = 65_536  # a key is at most 1 KB, and metadata 2 KB; longer is no S3 client
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


class MalformedRequestError(Exception):
    """Not HTTP as these clients speak it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `path` and `query` are decoded; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; `size_bytes` is what a HEAD says of the body that it does not send."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    size_bytes: int | None = None


class Service(NamedTuple):
    """What answers, and after how long."""

    answer: Callable[[Request], Response]
    latency_s: Callable[[Request], float]


class Connection(asyncio.Protocol):
    """One client's connection: a request, its latency, its answer, the next request. Others go on meanwhile."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._read = bytearray()
        self._is_busy = False
        self._said_continue = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._read += data
        if not self._is_busy:
            self._next()

    def _next(self) -> None:
        try:
            request = self._parsed()
        except (MalformedRequestError, ValueError):
            self._write(Response(HTTPStatus.BAD_REQUEST, b"malformed request"), "")
            self._transport.close()
            return
        if request is None:
            return
        self._is_busy = True
        self._said_continue = False
        if delay_s := self._service.latency_s(request):
            asyncio.get_running_loop().call_later(delay_s, self._answer, request)
        else:
            self._answer(request)

    def _answer(self, request: Request) -> None:
        self._write(self._service.answer(request), request.method)
        self._is_busy = False
        if self._read:
            self._next()

    def _write(self, response: Response, method: str) -> None:
        size = len(response.body) if response.size_bytes is None else response.size_bytes
        headers = dict(response.headers)
        if response.status not in _WITHOUT_BODY:
            headers["content-length"] = str(size)
        lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        if not self._transport.is_closing():
            self._transport.write(head if method == "HEAD" else head + response.body)

    def _parsed(self) -> Request | None:
        """The next request, taken off what was read; None while some of it is missing."""
        end = self._read.find(_END_OF_HEAD)
        if end < 0:
            if len(self._read) > _MAX_HEAD_BYTES:
                raise MalformedRequestError
            return None
        first, *lines = self._read[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body, length = self._body(headers, end + len(_END_OF_HEAD))
        if body is None:
            if headers.get("expect", "").lower() == "100-continue" and not self._said_continue:
                self._said_continue = True
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        del self._read[:length]
        if "aws-chunked" in headers.get("content-encoding", ""):
            body, _ = dechunked(body)
            if body is None:
                raise MalformedRequestError
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        return Request(method, unquote(path), _parameters(query), headers, body)

    def _body(self, headers: Mapping[str, str], start: int) -> tuple[bytes | None, int]:
        """The body as it was sent, and where the request ends; None while some of it is missing."""
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body, length = dechunked(bytes(self._read[start:]))
            return body, start + length
        end = start + int(headers.get("content-length", "0"))
        return (bytes(self._read[start:end]), end) if len(self._read) >= end else (None, end)


def dechunked(framed: bytes) -> tuple[bytes | None, int]:
    """The content of chunks and how long they were with their trailers; None while some of them is missing.

    HTTP's own chunks and S3's `aws-chunked` (with signatures behind the sizes, checksums in the trailers) are alike.
    """
    whole, at = bytearray(), 0
    while (end := framed.find(b"\r\n", at)) >= 0:
        size = int(framed[at:end].split(b";")[0], 16)
        at = end + 2
        if size == 0:
            return _without_trailers(bytes(whole), framed, at)
        if len(framed) < at + size + 2:
            break
        whole += framed[at : at + size]
        at += size + 2
    return None, 0


def _without_trailers(whole: bytes, framed: bytes, at: int) -> tuple[bytes | None, int]:
    while (end := framed.find(b"\r\n", at)) >= 0:
        is_last = end == at
        at = end + 2
        if is_last:
            return whole, at
    return None, 0


def _parameters(query: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
