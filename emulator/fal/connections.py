"""Answers that break off: a connection that closes without a reply, or in the middle of one.

ASGI cannot say this, so the HTTP protocol class remembers the connection of each peer for these responses to abort.
"""

import asyncio
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int]


class AbortableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 whose connections can be aborted by the peer's address."""

    _open: ClassVar[dict[Peer, "AbortableProtocol"]] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remembers the connection."""
        super().connection_made(transport)
        self._lost = asyncio.Event()
        if self.client is not None:
            self._open[self.client] = self

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the connection."""
        super().connection_lost(exc)
        if self.client is not None:
            self._open.pop(self.client, None)
        self._lost.set()

    @classmethod
    async def abort(cls, client: Any) -> None:
        """Closes the connection of this peer at once, and returns when uvicorn knows of it.

        Only then may the application return without an answer; before, uvicorn would send a 500 in its place.
        """
        connection = cls._open.get((client[0], client[1]))
        if connection is not None:
            connection.transport.abort()
            await connection._lost.wait()  # noqa: SLF001 - an instance of this class


class Hangup(Response):
    """No answer at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Aborts the connection."""
        await AbortableProtocol.abort(scope["client"])


class Truncated(Response):
    """Half of another response's body under its full content-length, then nothing."""

    def __init__(self, whole: Response) -> None:
        super().__init__()
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Sends the half and aborts the connection."""
        body = bytes(self._whole.body)
        head = {"type": "http.response.start", "status": self._whole.status_code, "headers": self._whole.raw_headers}
        await send(head)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await AbortableProtocol.abort(scope["client"])
