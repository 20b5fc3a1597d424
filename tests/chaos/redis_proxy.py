"""Stands between its clients and Redis, and drops connections: some by themselves, all of them on demand.

A connection is dropped before a command reaches the server, or after it has, so that the reply is lost.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from enum import StrEnum

from chaos.background_loop import BackgroundLoop

_BLOCK_BYTES = 65536
_REPLY_WITHIN_S = 2.0  # a blocking command may have nothing to reply for a second


class RedisFault(StrEnum):
    """What becomes of a connection when a client has sent something on it."""

    CUT_BEFORE = "connection dropped before Redis has seen the command"
    CUT_AFTER = "connection dropped after Redis has acted: the reply is lost"


# Of what clients send, which is mostly one command at a time: often enough that each worker meets it every few
# seconds, seldom enough that Celery, which waits for seconds before it connects again, does something in between.
SHARES = {RedisFault.CUT_BEFORE: 0.0005, RedisFault.CUT_AFTER: 0.0005}


class RedisProxy:
    """The proxy in front of the Redis server on `port`. The seed decides what becomes of the n-th block."""

    def __init__(
        self, loop: BackgroundLoop, port: int, seed: int, shares: dict[RedisFault, float] | None = None
    ) -> None:
        self.faults: Counter[str] = Counter()
        self._loop = loop
        self._upstream_port = port
        self._shares = SHARES if shares is None else shares
        self._dice = random.Random(f"redis:{seed}")
        self._open: set[asyncio.StreamWriter] = set()
        self.url = f"redis://127.0.0.1:{loop.listen(self._serve)}/0"

    def drop_all(self) -> None:
        """Ends every connection at once."""
        self._loop.soon(self._abort_all)

    def _abort_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._upstream_port)
        except OSError:
            to_client.transport.abort()  # Redis is away
            return
        self._open |= {to_client, to_server}
        is_lost = asyncio.Event()
        replies = asyncio.ensure_future(_pass_replies(server, to_client, is_lost))
        try:
            await self._pass_commands(client, to_server, replies, is_lost)
        except OSError:
            pass  # one side is gone, and so is the other now
        finally:
            replies.cancel()
            self._open -= {to_client, to_server}
            to_client.transport.abort()
            to_server.transport.abort()

    async def _pass_commands(
        self,
        client: asyncio.StreamReader,
        to_server: asyncio.StreamWriter,
        replies: asyncio.Future[None],
        is_lost: asyncio.Event,
    ) -> None:
        while block := await client.read(_BLOCK_BYTES):
            fault = self._draw()
            if fault is RedisFault.CUT_BEFORE:
                return
            if fault is RedisFault.CUT_AFTER:
                is_lost.set()
            to_server.write(block)
            await to_server.drain()
            if fault is RedisFault.CUT_AFTER:
                # The reply is awaited, so that the server has surely acted.
                await asyncio.wait([replies], timeout=_REPLY_WITHIN_S)
                return

    def _draw(self) -> RedisFault | None:
        at = self._dice.random()
        for fault, share in self._shares.items():
            if at < share:
                self.faults[fault.value] += 1
                return fault
            at -= share
        return None


async def _pass_replies(server: asyncio.StreamReader, to_client: asyncio.StreamWriter, is_lost: asyncio.Event) -> None:
    """Passes replies on until one is to be lost or the server hangs up; then the client's connection ends."""
    try:
        while block := await server.read(_BLOCK_BYTES):
            if is_lost.is_set():
                break
            to_client.write(block)
            await to_client.drain()
    except OSError:
        pass  # the client or the server is gone
    to_client.transport.abort()
