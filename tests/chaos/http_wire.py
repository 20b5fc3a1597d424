"""Reads HTTP/1.1 messages off a stream as bytes that can be sent on unchanged. Knows nothing of S3 nor of faults."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class CutOffError(Exception):
    """The other side ended in the middle of a message, or sent none."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or a response: its first line, its headers in order, and its body as it stood on the wire."""

    first_line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def method(self) -> str:
        """Of a request."""
        return self.first_line.split(" ", 1)[0]

    @property
    def target(self) -> str:
        """Of a request: path and query."""
        return self.first_line.split(" ")[1]

    @property
    def status(self) -> int:
        """Of a response."""
        return int(self.first_line.split(" ")[1])

    def header(self, name: str) -> str:
        """The value of a header; empty when there is none."""
        return next((value for given, value in self.headers if given.lower() == name), "")

    def with_header(self, name: str, value: str | None) -> Message:
        """The same message with this header alone of its name, or without it."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name)
        return Message(self.first_line, kept if value is None else (*kept, (name, value)), self.body)

    def wire(self) -> bytes:
        """As bytes."""
        lines = [self.first_line, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1") + self.body


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Message | None:
    """The next request, or None when the client has closed the connection in order.

    A client that asks first whether it may send its body is told so; the header that asks is taken away (SigV4 does
    not sign it). Raises `CutOffError`.
    """
    head = await _head(reader)
    if head is None:
        return None
    if head.header("expect").lower() == "100-continue":
        writer.write(_CONTINUE)
        await writer.drain()
        head = head.with_header("expect", None)
    if not head.header("content-length") and not head.header("transfer-encoding"):
        return head
    return Message(head.first_line, head.headers, await _body(reader, head))


async def read_response(reader: asyncio.StreamReader, *, to: Message) -> Message:
    """The answer to a request. Raises `CutOffError`."""
    head = await _head(reader)
    while head is not None and head.status == 100:
        head = await _head(reader)
    if head is None:
        raise CutOffError
    if to.method == "HEAD" or head.status in (204, 304):
        return head
    return Message(head.first_line, head.headers, await _body(reader, head))


async def _head(reader: asyncio.StreamReader) -> Message | None:
    try:
        block = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise CutOffError from None
        return None
    except (asyncio.LimitOverrunError, OSError) as error:
        raise CutOffError from error
    first, *rest = block.decode("latin-1").split("\r\n")[:-2]
    split = (line.partition(":") for line in rest)
    return Message(first, tuple((name, value.strip()) for name, _, value in split))


async def _body(reader: asyncio.StreamReader, head: Message) -> bytes:
    try:
        if head.header("transfer-encoding").lower() == "chunked":
            return await _chunks(reader)
        if length := head.header("content-length"):
            return await reader.readexactly(int(length))
        return await reader.read()
    except (asyncio.IncompleteReadError, OSError) as error:
        raise CutOffError from error


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """All chunks with their framing, so that they can be sent on as they are."""
    whole = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        whole += line
        size = int(line.split(b";")[0], 16)
        whole += await reader.readexactly(size + 2)
        if size == 0:
            return bytes(whole)
