"""Calls back when a request ends: at least once, with fal's time limits, and as badly as the fault script wants.

docs/fal.md section 8. How long fal waits between two attempts is not known; the waits here double.
"""

import asyncio
import ipaddress
import logging
import time
from urllib.parse import urlsplit

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.fal.faults import FaultScript, Misdeed
from emulator.fal.ledger import Ledger
from emulator.fal.request import FalRequest, audio_path_of
from emulator.fal.retention import kept_s
from emulator.fal.webhook_messages import Signer, body_of, body_of_a_stranger

FIRST_TIMEOUT_S = 15.0
LATER_TIMEOUT_S = 120.0
MAX_RETRIES = 31
FIRST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 600.0
_UNKNOWN_TOKEN = f"{'0' * 40}.nobody-knows-this-job"

log = logging.getLogger(__name__)


class Webhooks:
    """The sender, and the route of its public keys. Runs on the event loop of the queue."""

    def __init__(self, faults: FaultScript, ledger: Ledger, time_factor: float, *, refuses_private: bool) -> None:
        self._faults = faults
        self._ledger = ledger
        self._time_factor = time_factor
        self._refuses_private = refuses_private
        self._signer = Signer()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    def routes(self) -> list[Route]:
        """What the REST host answers."""
        return [Route("/.well-known/jwks.json", self.keys, methods=["GET"])]

    async def keys(self, _http: Request) -> Response:
        """The public keys. Open to everybody."""
        self._ledger.call("jwks")
        return JSONResponse(self._signer.jwks())

    def ended(self, request: FalRequest) -> None:
        """Begins to call back, when the caller has asked for it."""
        if request.webhook_url:
            task = asyncio.get_running_loop().create_task(self._deliver(request, request.webhook_url))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def reset(self) -> None:
        """Calls nobody back any more for what has ended so far."""
        for task in self._tasks:
            task.cancel()

    async def _deliver(self, request: FalRequest, url: str) -> None:
        if self._refuses_private and await _is_private(url):
            return
        for attempt in range(1 + MAX_RETRIES):
            fault = self._draw(request)
            await asyncio.sleep(fault.hold_s)
            if fault.drop:
                return
            if fault.stray:
                await self._send_stray(url)
            code = await self._send(request, url, fault, attempt)
            if code is not None and 200 <= code <= 299:  # noqa: PLR2004  the definition of success in HTTP
                for _ in range(fault.repeat):
                    await self._send(request, url, fault, attempt)
                return
            if code is not None and 300 <= code <= 399:  # noqa: PLR2004  redirects are not followed
                return
            pause_s = min(FIRST_PAUSE_S * 2**attempt, LONGEST_PAUSE_S) / self._time_factor
            if time.time() + pause_s >= (request.ended_at or 0.0) + kept_s(request) / self._time_factor:
                return
            await asyncio.sleep(pause_s)

    def _draw(self, request: FalRequest) -> Misdeed:
        path = audio_path_of(request.audio_url)
        return self._faults.draw("webhook", endpoint_id=request.endpoint_id, audio_path=path) or Misdeed()

    async def _send(self, request: FalRequest, url: str, fault: Misdeed, attempt: int) -> int | None:
        body = body_of(request, is_unserialisable=fault.payload_error)
        headers = self._signer.headers(
            request.request_id, request.owner, body, age_s=fault.age_s, is_forged=fault.forge
        )
        if fault.unsigned:
            headers = {}
        if fault.truncate_body:
            headers["Content-Length"] = str(len(body))  # httpx sends it, and breaks off where the body ends
        if fault.cut_json or fault.truncate_body:
            body = body[: len(body) // 2]
        code = await self._post(url, headers, body, LATER_TIMEOUT_S if attempt else FIRST_TIMEOUT_S)
        self._ledger.called_back(request, code)
        return code

    async def _send_stray(self, url: str) -> None:
        """A true message, of a request that nobody waits for, to the address of a job that there is not."""
        request_id, body = body_of_a_stranger()
        headers = self._signer.headers(request_id, "somebody-else", body)
        await self._post(f"{url.rpartition('/')[0]}/{_UNKNOWN_TOKEN}", headers, body, FIRST_TIMEOUT_S)

    async def _post(self, url: str, headers: dict[str, str], body: bytes, timeout_s: float) -> int | None:
        """The status code; None when there was no answer."""
        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False, trust_env=False)
        sent = {"Content-Type": "application/json", **headers}
        try:
            reply = await self._client.post(url, content=body, headers=sent, timeout=timeout_s)
        except Exception as error:  # noqa: BLE001  one that is broken off on purpose raises what httpx does not know
            log.debug("a webhook got no answer: %s", type(error).__name__)
            return None
        return reply.status_code


async def _is_private(url: str) -> bool:
    """Whether fal would drop the message before it sends it; a name that does not resolve is no such case."""
    parts = urlsplit(url)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port or 443)
    except OSError:
        return False
    return any(not ipaddress.ip_address(address[4][0]).is_global for address in found)
