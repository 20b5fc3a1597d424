"""What is asked of a real account, one call after the other, with our own client. Judges nothing.

Labels name the calls in `Recorder.kept`; what breaks off is noted and the rest goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from live.clip import NO_AUDIO, recording, speech
from live.recording import Exchange, Recorder
from pydantic import SecretStr

from pipeline.errors import NightscribeError
from pipeline.models import PaidRequest, Recipe
from pipeline.redaction import redact
from pipeline.settings.records import FalSettings
from pipeline.speech.fal.client import FalClient
from pipeline.speech.fal.jwks import fetch_keys
from pipeline.speech.fal.models import KNOWN_MODELS
from pipeline.speech.fal.uploads import Uploads

WHISPER, WIZPER, XAI = "fal-ai/whisper", "fal-ai/wizper", "xai/speech-to-text/v1"
NEMOTRON = "nvidia/nemotron-asr-multilingual/asr"
UPLOAD_LIVES_S = 3600
_USER_AGENT = "nightscribe/live"
_LOOK_S = 0.25

# Each paid request, with the most that it may cost in USD: by fal's pages, and for those that show no price by a
# multiple of what trackers saw for five seconds. xAI and the last one count whole minutes.
COSTS_AT_MOST_USD = {
    "plain": 0.001,
    "unknown argument": 0.001,
    "junk": 0.001,
    "missing": 0.001,
    "cancelled": 0.001,
    "not stored": 0.001,
    "wizper words": 0.001,
    "xai": 0.0017,
    "nemotron": 0.008,
}

ENDPOINTS = dict.fromkeys(COSTS_AT_MOST_USD, WHISPER) | {"wizper words": WIZPER, "xai": XAI, "nemotron": NEMOTRON}
"""Of each request, the model that is asked."""


@dataclass
class Observed:
    """All that was seen."""

    kept: dict[str, list[Exchange]]
    broken: dict[str, str] = field(default_factory=dict)
    """What broke off, by label, and why."""
    facts: dict[str, object] = field(default_factory=dict)
    """What was seen besides answers: the URL that was sent, seconds that passed."""

    def first(self, label: str) -> Exchange | None:
        """The first answer under a label; None when there is none."""
        return next(iter(self.kept.get(label, ())), None)

    def last(self, label: str) -> Exchange | None:
        """The last answer under a label."""
        return next(reversed(self.kept.get(label, ())), None)

    @property
    def units(self) -> dict[str, float]:
        """The billable units of each request that has told them."""
        ends = {name: self.first(f"{name}: result") for name in COSTS_AT_MOST_USD}
        return {name: end.units for name, end in ends.items() if end is not None and end.units is not None}


class Account:
    """The questions. `patience_s` bounds the wait for each request, and for the history to show it."""

    def __init__(
        self,
        settings: FalSettings,
        key: SecretStr,
        *,
        patience_s: float,
        say: Callable[[str], object],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings, self._key, self._patience_s, self._say = settings, key, patience_s, say
        self._recorder = Recorder(transport)
        self._client = FalClient(settings, key, _USER_AGENT, self._recorder)
        self.observed = Observed(self._recorder.kept)

    async def ask_everything(self) -> Observed:
        """Asks, in an order in which no answer spoils another; about a minute."""
        try:
            await self._ask_for_free()
            audio_url = await self._upload("upload", "speech.wav", speech())
            junk_url = await self._upload("upload of junk", "junk.wav", NO_AUDIO)
            if audio_url is not None:
                await self._ask_about_requests(audio_url, junk_url or audio_url)
        finally:
            await self._client.aclose()
        return self.observed

    async def _ask_for_free(self) -> None:
        self._say("the key, prices and webhook keys")
        await self._try("key", self._client.check_key)
        wrong = FalClient(self._settings, SecretStr(f"{uuid.uuid4()}:{uuid.uuid4().hex}"), _USER_AGENT, self._recorder)
        await self._try("wrong key", wrong.check_key)
        self.observed.broken.pop("wrong key", None)  # which is as it should be
        await self._try("prices", lambda: self._client.prices({"endpoint_id": ",".join(KNOWN_MODELS)}))
        timeouts = {"connect_timeout_s": 5.0, "timeout_s": 20.0}
        with self._noting("jwks"):
            keys = await asyncio.to_thread(fetch_keys, self._settings.jwks_url, **timeouts)
            self.observed.facts["webhook keys"] = len(keys)

    async def _ask_about_requests(self, audio_url: str, junk_url: str) -> None:
        # Every address is another, as every signature is: by that the history is asked.
        sent = f"{audio_url}?nightscribe={uuid.uuid4().hex}&plus=a+b&percent=%2F"
        self.observed.facts["url"] = sent
        plain = await self._request("plain", WHISPER, sent, early=True)
        await self._request("unknown argument", WHISPER, audio_url, version="3")
        junk = await self._request("junk", WHISPER, junk_url)
        await self._request("missing", WHISPER, f"{audio_url}.is-not-there.wav")
        await self._cancelled(audio_url)
        hidden = await self._request("not stored", WHISPER, audio_url, store_io=False)
        await self._request("wizper words", WIZPER, audio_url, chunk_level="word")
        await self._request("xai", XAI, audio_url)
        await self._request("nemotron", NEMOTRON, audio_url)
        for label, request in (("plain", plain), ("junk", junk), ("not stored", hidden)):
            await self._look_in_history(f"{label}: history", request, label == "plain")
        if plain is not None:
            await self._try("result again", lambda: self._client.result(plain))
            await self._try("deletion", lambda: self._client.delete_payloads(plain.request_id))
            await self._try("deletion again", lambda: self._client.delete_payloads(plain.request_id))
            await self._history("history after the deletion", plain)

    async def _request(
        self, label: str, endpoint_id: str, url: str, *, early: bool = False, store_io: bool = True, **arguments: str
    ) -> PaidRequest | None:
        """One paid request to its end; `early`: result and history are also asked for before it."""
        self._say(f"{label}: {endpoint_id}")
        recipe = Recipe(endpoint_id=endpoint_id, arguments=dict(arguments))
        request = await self._try(f"{label}: submit", lambda: self._client.submit(recipe, url, store_io=store_io))
        if request is None:
            return None
        if early:
            await self._try("early result", lambda: self._client.result(request))
            await self._history("early history", request)
        await self._try(f"{label}: status", lambda: self._completed(request))
        await self._try(f"{label}: result", lambda: self._client.result(request))
        return request

    async def _cancelled(self, url: str) -> None:
        recipe = Recipe(endpoint_id=WHISPER, arguments={})
        self._say(f"cancelled: {WHISPER}")
        request = await self._try("cancelled: submit", lambda: self._client.submit(recipe, url))
        if request is None:
            return
        await self._try("cancelled: cancel", lambda: self._client.cancel(request))
        await self._try("cancelled: status", lambda: self._completed(request))
        await self._try("cancelled: result", lambda: self._client.result(request))

    async def _completed(self, request: PaidRequest) -> None:
        async with asyncio.timeout(self._patience_s):
            while not (await self._client.status(request)).is_completed:  # noqa: ASYNC110  fal changes, not we
                await asyncio.sleep(_LOOK_S)

    async def _look_in_history(self, label: str, request: PaidRequest | None, is_awaited: bool) -> None:  # noqa: FBT001
        """Asks for the row of a request; when awaited, until its input is there."""
        if request is None:
            return
        since = time.monotonic()
        while True:
            await self._history(label, request)
            row = row_of(self.observed.last(label))
            took_s = time.monotonic() - since
            if not is_awaited or (row and row.get("json_input")) or took_s > self._patience_s:
                self.observed.facts[f"{label} after"] = round(took_s, 1)
                return
            await asyncio.sleep(_LOOK_S)

    async def _history(self, label: str, request: PaidRequest) -> None:
        query = {
            "endpoint_id": request.endpoint_id,
            "request_id": request.request_id,
            "start": (request.submitted_at - timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end": (datetime.now(UTC) + timedelta(minutes=2)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "expand": "payloads",
        }
        await self._try(label, lambda: self._client.history(query))

    async def _upload(self, label: str, name: str, content: bytes) -> str | None:
        self._say(f"{label}, {len(content):,} bytes")
        uploads = Uploads(self._settings, self._key, _USER_AGENT)
        with self._noting(label):
            url = await asyncio.to_thread(uploads.upload, recording(name, content), lifetime_s=UPLOAD_LIVES_S)
            async with httpx.AsyncClient() as stranger:  # without a key, as a runner opens it
                self.observed.facts[f"{label} opens"] = (await stranger.get(url)).status_code
            return url
        return None

    async def _try(self, label: str, call: Callable[[], Awaitable[Any]]) -> Any:
        with self._noting(label), self._recorder.under(label):
            return await call()
        return None

    @contextlib.contextmanager
    def _noting(self, label: str) -> Iterator[None]:
        try:
            yield
        except (NightscribeError, TimeoutError, httpx.HTTPError) as error:
            said = error.message if isinstance(error, NightscribeError) else type(error).__name__
            self.observed.broken[label] = redact(said)


def row_of(answer: Exchange | None) -> dict[str, object] | None:
    """The first row of an answer of the history; None when it shows none."""
    items = answer.field("items") if answer is not None else None
    return items[0] if isinstance(items, list) and items and isinstance(items[0], dict) else None
