"""The receiver as an ASGI application: one POST per webhook, answered as soon as it is noted.

    200 noted, or noted before            401 not signed by fal, or long ago       404 no token of ours
    400 signed, but not understood        413 larger than we read                  503 Redis or fal's keys are away

fal sends again what is not answered with 2xx, and waits 15 s for the first answer (docs/fal.md section 8).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pipeline import logs
from pipeline.errors import NightscribeError
from pipeline.runs.notices import Notice, NoticeBoard
from pipeline.webhooks.keyring import KeyRing
from pipeline.webhooks.message import read_told
from pipeline.webhooks.signature import RefusedError, read_seal

TOKEN = re.compile(r"[0-9a-f]{40}\.[A-Za-z0-9_-]{16,64}")
"""A job id and a nonce, as `intents` makes them."""

_BODIES_AT_ONCE = 8
"""Bodies in memory: with `webhook.max_body_bytes` this bounds what the process can need (I6)."""
_BODY_WITHIN_S = 15.0
"""For one body, from its turn on: whoever drips must not keep the others out. fal itself gives up after this time."""
_CODES = {"unsigned": 401, "stale": 401, "forged": 401, "malformed": 400, "other_request": 400, "too_large": 413}


class Receiver:
    """Answers webhooks. `alive` asks Redis and raises `ServiceUnavailableError` when that is away."""

    def __init__(self, board: NoticeBoard, ring: KeyRing, alive: Callable[[], object], *, max_body_bytes: int) -> None:
        self._board = board
        self._ring = ring
        self._alive = alive
        self._max_body_bytes = max_body_bytes
        self._bodies = asyncio.Semaphore(_BODIES_AT_ONCE)

    def app(self) -> Starlette:
        """The routes. A proxy in front may have a path of its own: the token is the last part of any path."""
        return Starlette(
            routes=[
                Route("/healthz", self.health, methods=["GET"]),
                Route("/{path:path}", self.receive, methods=["POST"]),
            ]
        )

    async def health(self, _http: Request) -> Response:
        """200 when a webhook could be noted now."""
        try:
            await asyncio.to_thread(self._alive)
        except NightscribeError:
            return JSONResponse({"status": "redis_away"}, 503)
        return JSONResponse({"status": "ok"})

    async def receive(self, http: Request) -> Response:
        """Verifies and notes one webhook."""
        token = http.scope["path"].rpartition("/")[2]
        if not TOKEN.fullmatch(token):
            return _refused("no_token", 404)
        job_id = token.partition(".")[0]
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in http.headers.raw]
        now = datetime.now(UTC)
        try:
            seal = read_seal(headers, now.timestamp())
            async with self._bodies:
                async with asyncio.timeout(_BODY_WITHIN_S):
                    body = await self._body(http)
                await asyncio.to_thread(self._ring.check, seal, body)
                told = await asyncio.to_thread(read_told, body, seal)
                del body
            notice = Notice(token=token, request_id=told.request_id, status=told.status, at=now)
            is_new = await asyncio.to_thread(self._board.post, notice)
        except RefusedError as error:
            return _refused(error.reason, _CODES[error.reason])
        except (ClientDisconnect, TimeoutError):
            return _refused("cut_short", 400)
        except NightscribeError as error:
            logs.get_logger().warning("webhook_put_off", reason=error.reason, message=error.message)
            return JSONResponse({"status": "try_again"}, 503)
        outcome = "noted" if is_new else "repeated"
        logs.get_logger().info(f"webhook_{outcome}", job_id=job_id, request_id=told.request_id, status=told.status)
        return JSONResponse({"status": outcome})

    async def _body(self, http: Request) -> bytes:
        """The raw body. Raises `RefusedError` (`too_large`) before more than its limit is in memory."""
        parts: list[bytes] = []
        size = 0
        async for part in http.stream():
            size += len(part)
            if size > self._max_body_bytes:
                raise RefusedError("too_large")
            parts.append(part)
        return b"".join(parts)


def _refused(reason: str, code: int) -> Response:
    # Nothing that was sent is repeated: neither its sender nor its words are known to be anybody's.
    logs.get_logger().warning("webhook_refused", reason=reason)
    return JSONResponse({"status": "refused", "reason": reason}, code)
