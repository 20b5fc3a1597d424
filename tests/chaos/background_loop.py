"""One asyncio loop in a thread of its own, in which the fault proxies run beside the harness."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self, TypeVar

T = TypeVar("T")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class BackgroundLoop:
    """A running loop; a context manager. Its listeners are on loopback and end with it."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxies", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, act: Awaitable[T]) -> T:
        """Runs something in the loop and returns its result. Not to be called from the loop."""
        return asyncio.run_coroutine_threadsafe(_awaited(act), self._loop).result()

    def soon(self, act: Callable[[], object]) -> None:
        """Has something done in the loop; does not wait."""
        self._loop.call_soon_threadsafe(act)

    def listen(self, handler: Handler) -> int:
        """Serves on a free loopback port and returns it."""

        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(asyncio.CancelledError):  # the end of the loop; asyncio's own callback chokes on it
                await handler(reader, writer)

        server = self.run(asyncio.start_server(guarded, "127.0.0.1", 0))
        self._servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


async def _awaited(act: Awaitable[T]) -> T:
    return await act
