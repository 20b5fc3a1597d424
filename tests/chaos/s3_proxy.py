"""Stands between its clients and S3, and spoils a share of the requests: before S3 acts, and after it has acted.

Every client has a port of its own, so that the harness knows who is calling. The Host header goes through as it came:
SigV4 signs it, and SeaweedFS checks the signature against the header that it receives.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from chaos.background_loop import BackgroundLoop
from chaos.http_wire import CutOffError, Message, read_request, read_response

_SLOW_DOWN = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"""


class S3Fault(StrEnum):
    """What becomes of one request."""

    SLOW_DOWN = "503 SlowDown in place of S3's answer"
    CUT_BEFORE = "connection dropped before S3 has seen the request"
    CUT_AFTER = "connection dropped after S3 has acted: the reply is lost"
    CUT_WITHIN = "connection dropped in the middle of the reply"
    SLOW = "answered late"


# 8 % in all. Half of them hit after S3 has acted, where a client that just sends again contradicts itself.
SHARES = {
    S3Fault.SLOW_DOWN: 0.03,
    S3Fault.CUT_BEFORE: 0.01,
    S3Fault.CUT_AFTER: 0.015,
    S3Fault.CUT_WITHIN: 0.01,
    S3Fault.SLOW: 0.015,
}
_LATE_S = (0.1, 0.8)


class Moment(StrEnum):
    """When, in the next PUT of a client, something is done to that client."""

    BEFORE_PUT = "before S3 sees its next PUT"
    AFTER_PUT = "after S3 has acted on its next PUT"


@dataclass(frozen=True, slots=True)
class _Watch:
    moment: Moment
    act: Callable[[], None]


class S3Proxy:
    """The proxy in front of the S3 server on `port`. The seed decides what becomes of the n-th request."""

    def __init__(self, loop: BackgroundLoop, port: int, seed: int, shares: dict[S3Fault, float] | None = None) -> None:
        self.faults: Counter[str] = Counter()
        self.is_browned_out = False
        """Every request is answered 503 while this is set."""
        self._loop = loop
        self._upstream_port = port
        self._shares = SHARES if shares is None else shares
        self._dice = random.Random(f"s3:{seed}")
        self._calls: Counter[str] = Counter()
        self._watches: dict[str, _Watch] = {}
        self._lock = threading.Lock()

    def open(self, client: str) -> str:
        """A listener for this client; returns the endpoint URL to give to it."""
        return f"http://127.0.0.1:{self._loop.listen(lambda reader, writer: self._serve(client, reader, writer))}"

    def calls_of(self, client: str) -> int:
        """How many signed requests the client has made itself; presigned ones are fal's."""
        return self._calls[client]

    def at_next_put(self, client: str, moment: Moment, act: Callable[[], None]) -> None:
        """Does something to a client at that moment, in the proxy's thread; replaces what was to be done before."""
        with self._lock:
            self._watches[client] = _Watch(moment, act)

    def forget_watch(self, client: str) -> bool:
        """Takes back what was to be done; False when it was done already."""
        with self._lock:
            return self._watches.pop(client, None) is not None

    async def _serve(self, client: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_request(reader, writer)) is not None:
                if not await self._exchange(client, request, writer):
                    break
        except (CutOffError, OSError):
            pass  # the client was killed, or S3 hung up: to the other side both look like a dropped connection
        finally:
            writer.transport.abort()

    async def _exchange(self, client: str, request: Message, writer: asyncio.StreamWriter) -> bool:
        """Forwards a request and answers it, as far as its fault lets it. False ends the connection."""
        if request.header("authorization"):
            self._calls[client] += 1
        fault = self._draw()
        if fault is S3Fault.SLOW_DOWN:
            writer.write(_slow_down(request))
            await writer.drain()
            return True
        if fault is S3Fault.CUT_BEFORE:
            return False
        self._look(client, request, Moment.BEFORE_PUT)
        if fault is S3Fault.SLOW:
            await asyncio.sleep(self._dice.uniform(*_LATE_S))
        answer = (await self._ask(request)).wire()
        self._look(client, request, Moment.AFTER_PUT)
        if fault is S3Fault.CUT_AFTER:
            return False
        writer.write(answer[: len(answer) // 2] if fault is S3Fault.CUT_WITHIN else answer)
        await writer.drain()
        return fault is not S3Fault.CUT_WITHIN

    def _draw(self) -> S3Fault | None:
        drawn: S3Fault | None = None
        at = self._dice.random()
        for fault, share in self._shares.items():
            if at < share:
                drawn = fault
                break
            at -= share
        if self.is_browned_out:
            drawn = S3Fault.SLOW_DOWN
        if drawn is not None:
            self.faults[drawn.value] += 1
        return drawn

    def _look(self, client: str, request: Message, moment: Moment) -> None:
        if request.method != "PUT":
            return
        with self._lock:
            watch = self._watches.get(client)
            if watch is None or watch.moment is not moment:
                return
            del self._watches[client]
        watch.act()

    async def _ask(self, request: Message) -> Message:
        # A connection for each request: none that S3 has closed in the meantime adds a fault of its own.
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        try:
            writer.write(request.wire())
            await writer.drain()
            return await read_response(reader, to=request)
        finally:
            writer.transport.abort()


def _slow_down(request: Message) -> bytes:
    head = f"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {len(_SLOW_DOWN)}\r\n\r\n"
    return head.encode() + (b"" if request.method == "HEAD" else _SLOW_DOWN)
