"""The HTTP calls to fal's queue, one method per call, each made once (docs/fal.md section 3).

Says what fal answered, in our errors; when to look again is decided above. Runs on one event loop.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote, urlencode

import httpx
from pydantic import JsonValue, SecretStr

from pipeline import tracing
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.meters import FAL_ANSWERS, Meters
from pipeline.models import PaidRequest, Recipe
from pipeline.redaction import REDACTED
from pipeline.settings.records import FalSettings
from pipeline.speech.fal import faults
from pipeline.speech.fal.addresses import Addresses
from pipeline.speech.fal.endpoints import check_endpoint_id
from pipeline.speech.fal.wire import Reply, StatusAnswer, parse_status, parse_submit

# httpx counts its timeouts per read, so that a server which drips could hold a slot for ever. A whole read may take
# this many of them; a whole submission only one, for another worker waits that long before it calls the reply lost.
_READ_TIMEOUTS = 4
# Looks come at most ten seconds apart; a little more keeps their connections open between them.
_KEEPALIVE_S = 15.0
# What is shorter is no secret of fal's, and would be found in ordinary words.
_SECRET_LENGTH = 8
_KEY_CHECK_APP = "fal-ai/whisper"
_HISTORY_PATH = "/v1/models/requests/by-endpoint"
_PRICES_PATH = "/v1/models/pricing"


@dataclass(frozen=True)
class _Lane:
    """Connections of one kind. Calls queue at the gate, first come first served.

    httpx's own queue for a full pool costs CPU with the square of those who wait, and ends in PoolTimeout.
    """

    client: httpx.AsyncClient
    gate: asyncio.Semaphore
    exchange_s: float


class FalClient:
    """fal's queue over httpx. Raises `ConfigurationError` when the key cannot be sent in a header."""

    def __init__(
        self,
        settings: FalSettings,
        key: SecretStr,
        user_agent: str,
        transport: httpx.AsyncBaseTransport | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._meters = meters or Meters()
        self._key = key.get_secret_value()
        if not (self._key.isascii() and self._key.isprintable() and self._key.strip() == self._key != ""):
            # httpx would quote the whole header, key and all, in its complaint.
            raise ConfigurationError("FAL_KEY is empty or holds characters that no key has. Set it to ID:SECRET.")
        half = self._key.partition(":")[2]
        self._secrets = [part for part in (self._key, half) if len(part) >= _SECRET_LENGTH]
        self._addresses = Addresses(settings.queue_url, settings.backup_url, settings.platform_url)
        self._submit_headers = {
            "Content-Type": "application/json",
            "X-Fal-Request-Timeout": str(float(settings.start_timeout_s)),
            "x-app-fal-disable-fallback": "true",  # the sidecar names the model that was asked, and it must be true
        }
        if settings.no_server_retry:
            self._submit_headers["X-Fal-No-Retry"] = "1"
        headers = {"Authorization": f"Key {self._key}", "User-Agent": user_agent, "Accept": "application/json"}
        # Shared: loading the certificates takes longer than a request. A given transport has its own.
        verify = httpx.create_ssl_context() if transport is None else True

        def lane(*, keep: int, timeout_s: float, exchange_s: float) -> _Lane:
            limits = httpx.Limits(
                max_connections=settings.max_connections,
                max_keepalive_connections=keep,
                keepalive_expiry=_KEEPALIVE_S,
            )
            client = httpx.AsyncClient(
                headers=headers,
                verify=verify,
                transport=transport,
                follow_redirects=False,  # the key goes where Addresses allows, and nowhere else
                timeout=httpx.Timeout(timeout_s, connect=settings.connect_timeout_s),
                limits=limits,
            )
            return _Lane(client, asyncio.Semaphore(settings.max_connections), exchange_s)

        # The paid POST never goes over a used connection: the server may be closing it just then, which looks the
        # same as a lost reply and would park the job as uncertain. A handshake per episode is a small price.
        submit_s, read_s = settings.submit_timeout_s, settings.read_timeout_s
        self._submits = lane(keep=0, timeout_s=submit_s, exchange_s=submit_s)
        self._reads = lane(keep=settings.max_connections, timeout_s=read_s, exchange_s=_READ_TIMEOUTS * read_s)

    async def submit(
        self, recipe: Recipe, audio_url: str, *, store_io: bool = True, webhook_url: str | None = None
    ) -> PaidRequest:
        """The paid POST: sent once, and to the backup host only when no connection came about."""
        check_endpoint_id(recipe.endpoint_id)
        content = _encoded({**recipe.arguments, "audio_url": audio_url})
        headers = self._submit_headers | ({} if store_io else {"X-Fal-Store-IO": "0"})
        submitted_at = datetime.now(UTC)
        query = f"?{urlencode({'fal_webhook': webhook_url})}" if webhook_url else ""
        reply = await self._post(recipe.endpoint_id, query, content, headers)
        if not reply.is_success:
            raise faults.submit_refusal(reply, recipe.endpoint_id)
        answer = parse_submit(reply)
        if answer is None:
            raise faults.unreadable_submit(reply, recipe.endpoint_id)
        return PaidRequest(
            request_id=answer.request_id,
            endpoint_id=recipe.endpoint_id,
            status_url=answer.status_url,
            response_url=answer.response_url,
            cancel_url=answer.cancel_url,
            submitted_at=submitted_at,
        )

    async def status(self, request: PaidRequest) -> StatusAnswer:
        """One look at a request."""
        act = f"The status of request {request.request_id}"
        reply = await self._follow("status", "GET", request.status_url, act)
        answer = parse_status(reply) if reply.is_success else None
        if answer is None:
            raise faults.read_refusal(reply, act)
        return answer

    async def result(self, request: PaidRequest) -> Reply:
        """One read of the result URL, whatever it answers: a failed request replays its failure there."""
        return await self._follow("result", "GET", request.response_url, f"The result of request {request.request_id}")

    async def cancel(self, request: PaidRequest) -> bool:
        """Asks once to drop a request; False when it has completed or is unknown."""
        act = f"The cancellation of request {request.request_id}"
        reply = await self._follow("cancel", "PUT", request.cancel_url, act)
        if reply.is_success:
            return True
        if reply.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
            return False
        raise faults.read_refusal(reply, act)

    async def check_key(self) -> None:
        """Looks at a request that cannot exist: not found means that the key is good (docs/fal.md section 1)."""
        act = "The check of FAL_KEY"
        url = f"{self._addresses.queue_url}/{_KEY_CHECK_APP}/requests/{uuid.uuid4()}/status"
        reply = await self._follow("key_check", "GET", url, act)
        if not reply.is_success and reply.status != HTTPStatus.NOT_FOUND:
            raise faults.read_refusal(reply, act)

    async def history(self, query: Mapping[str, str]) -> Reply:
        """One page of the request history, whatever it answers; `UncertainError` when there is no history to ask.

        It holds presigned URLs and whole transcripts: nothing of it may be shown.
        """
        if not self._addresses.platform_url:
            raise faults.history_unreadable("there is none to ask: fal.platform_url is empty, or not of fal.queue_url")
        url = f"{self._addresses.platform_url}{_HISTORY_PATH}?{urlencode(query)}"
        return await self._follow("history", "GET", url, "The question to fal's request history", has_backup=False)

    async def prices(self, query: Mapping[str, str]) -> Reply:
        """One page of the price list, whatever it answers. Raises `ConfigurationError` when there is none to ask."""
        url = f"{self._platform_url('prices')}{_PRICES_PATH}?{urlencode(query)}"
        return await self._follow("prices", "GET", url, "The question to fal's price list", has_backup=False)

    async def delete_payloads(self, request_id: str) -> Reply:
        """One request to delete what fal has stored of a request's input and output, whatever it answers."""
        url = f"{self._platform_url('payloads')}/v1/models/requests/{quote(request_id, safe='')}/payloads"
        act = f"The deletion of the payloads of request {request_id}"
        return await self._follow("delete_payloads", "DELETE", url, act, has_backup=False)

    def _platform_url(self, what: str) -> str:
        if not self._addresses.platform_url:
            raise ConfigurationError(
                f"There is no platform API to ask about {what}: fal.platform_url is empty, or not of the same service "
                "as fal.queue_url. Set it.",
                "no_platform",
            )
        return self._addresses.platform_url

    def check_urls(self, request: PaidRequest) -> None:
        """Raises `ServiceUnavailableError` when the request's URLs are not fal's own."""
        for url in (request.status_url, request.response_url, request.cancel_url):
            self._addresses.check(url)

    async def aclose(self) -> None:
        """Closes all connections."""
        await self._submits.client.aclose()
        await self._reads.client.aclose()

    async def _post(self, endpoint_id: str, query: str, content: bytes, headers: Mapping[str, str]) -> Reply:
        bases = [base for base in (self._addresses.queue_url, self._addresses.backup_url) if base]
        await self._pass(self._submits)  # outside the try: who is cancelled while queueing has sent nothing
        try:
            for base in bases:
                try:
                    url = f"{base}/{endpoint_id}{query}"
                    return await self._send("submit", self._submits, "POST", url, content=content, sent=headers)
                except faults.NOTHING_SENT as error:
                    if base is bases[-1]:
                        raise faults.submit_exception(error, endpoint_id) from error
                except (Exception, asyncio.CancelledError) as error:
                    # Whatever goes wrong here, a reply may have been lost. So it is when `close` cancels the call.
                    raise faults.submit_exception(error, endpoint_id) from error
        finally:
            self._submits.gate.release()
        raise AssertionError("unreachable: the queue URL is never empty")

    @staticmethod
    async def _pass(lane: _Lane) -> None:
        """Stands in line at a gate, no longer than one exchange may take."""
        try:
            async with asyncio.timeout(lane.exchange_s):
                await lane.gate.acquire()
        except TimeoutError:
            raise ServiceUnavailableError(
                "All connections to fal are busy, and nothing was sent. Raise fal.max_connections, or look why fal "
                "answers so slowly."
            ) from None

    async def _follow(self, call: str, method: str, url: str, act: str, *, has_backup: bool = True) -> Reply:
        self._addresses.check(url)
        try:
            async with self._reads.gate:
                try:
                    return await self._send(call, self._reads, method, url)
                except faults.NOTHING_SENT:
                    backup = self._addresses.on_backup(url) if has_backup else None
                    if backup is None:
                        raise
                    return await self._send(call, self._reads, method, backup)
        except faults.READ_EXCEPTIONS as error:
            raise faults.read_exception(error, act) from error

    async def _send(
        self,
        call: str,
        lane: _Lane,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        sent: Mapping[str, str] | None = None,
    ) -> Reply:
        try:
            async with asyncio.timeout(lane.exchange_s):
                response = await lane.client.request(method, url, content=content, headers=sent)
        except Exception:
            self._meters.count(FAL_ANSWERS, call, "none")
            raise
        self._meters.count(FAL_ANSWERS, call, _class_of(response.status_code))
        # Without the query, which may hold a webhook's address or a question to the history.
        tracing.event("fal_answered", call=call, method=method, url=url.partition("?")[0], status=response.status_code)
        # An echo of the key, or of its secret half alone, must not travel on into errors or sidecars.
        body = response.content
        headers = {name.lower(): value for name, value in response.headers.items()}
        for secret in self._secrets:
            body = body.replace(secret.encode(), REDACTED.encode())
            headers = {name: value.replace(secret, REDACTED) for name, value in headers.items()}
        return Reply(response.status_code, headers, body)


def _class_of(status: int) -> str:
    """429 by itself: it says how fast we may go, where other 4xx say that something is wrong."""
    return "429" if status == HTTPStatus.TOO_MANY_REQUESTS else f"{status // 100}xx"


def _encoded(body: Mapping[str, JsonValue]) -> bytes:
    try:
        return json.dumps(body, allow_nan=False).encode()
    except ValueError:
        raise ConfigurationError(
            "The recipe's arguments hold a number that JSON cannot express. Check --arg.", reason="bad_argument"
        ) from None
