"""A stand-in for fal behind httpx.MockTransport: answers per route, and a record of every call."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import history_rows
import httpx
import pytest
from pydantic import SecretStr

from pipeline.keys import url_hash
from pipeline.models import PaidRequest, Recipe
from pipeline.settings import load_settings
from pipeline.settings.records import FalSettings, PollingSettings
from pipeline.speech.fal.transcriber import FalTranscriber

QUEUE = "https://queue.fal.run"
BACKUP = "https://queue.falrun.com"
PLATFORM = "https://api.fal.ai"
KEY = "canary-id:canary-secret"
REQUEST_ID = "11111111-2222-4333-8444-555555555555"


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    """An answer; keyword names stand for header names, with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, str):
        return httpx.Response(status, text=body, headers=named)
    return httpx.Response(status, headers=named) if body is None else httpx.Response(status, json=body, headers=named)


class FakeFal:
    """Plays a list of acts per route (submit, status, result, cancel, history); the last act of a route repeats.

    An act is a response, an exception, or an async function of the request.
    """

    def __init__(self) -> None:
        url = f"{QUEUE}/fal-ai/whisper/requests/{REQUEST_ID}"
        accepted = {
            "request_id": REQUEST_ID,
            "status": "IN_QUEUE",
            "status_url": f"{url}/status",
            "response_url": url,
            "cancel_url": f"{url}/cancel",
        }
        self.accepted = accepted
        self.acts: dict[str, list[Any]] = {
            "submit": [answer(200, accepted)],
            "status": [answer(200, {"status": "COMPLETED", "metrics": {"inference_time": 3.5}})],
            "result": [answer(200, {"text": " Hello."}, x_fal_billable_units="2.5")],
            "cancel": [answer(202, {"status": "CANCELLATION_REQUESTED"})],
            "history": [answer(200, {"items": [], "next_cursor": None, "has_more": False})],
            "prices": [answer(200, {"prices": [], "next_cursor": None, "has_more": False})],
            "delete": [answer(200, {})],
        }
        self.requests: list[httpx.Request] = []

    def play(self, route: str, *acts: Any) -> None:
        """Replaces what a route answers from now on."""
        self.acts[route] = list(acts)

    def count(self, method: str) -> int:
        """How many calls with this method came in."""
        return Counter(request.method for request in self.requests)[method]

    def asked(self, route: str) -> list[httpx.Request]:
        """The calls of a route, in order."""
        return [request for request in self.requests if self._route(request) == route]

    def urls(self, method: str) -> list[str]:
        """The URLs that were called with this method, in order."""
        return [str(request.url) for request in self.requests if request.method == method]

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Notes the call and plays the next act of its route."""
        self.requests.append(request)
        acts = self.acts[self._route(request)]
        act = acts.pop(0) if len(acts) > 1 else acts[0]
        if isinstance(act, BaseException):
            raise act
        if callable(act):
            return await act(request)
        return httpx.Response(act.status_code, headers=act.headers, content=act.content)

    @staticmethod
    def _route(request: httpx.Request) -> str:
        if request.method == "POST":
            return "submit"
        if request.method == "PUT":
            return "cancel"
        if request.method == "DELETE":
            return "delete"
        if request.url.path == "/v1/models/pricing":
            return "prices"
        if request.url.path == "/v1/models/requests/by-endpoint":
            return "history"
        return "status" if request.url.path.endswith("/status") else "result"


@pytest.fixture
def fal():
    return FakeFal()


@pytest.fixture
def fal_settings() -> FalSettings:
    changed = {
        "queue_url": QUEUE,
        "backup_url": BACKUP,
        "platform_url": PLATFORM,
        "connect_timeout_s": 5,
        "read_timeout_s": 5,
        "submit_timeout_s": 5,
        "start_timeout_s": 7200,
        "wait_timeout_s": 3600,
        "history_lag_s": 3600,
        "reconcile_patience_s": 600,
        "max_connections": 8,
    }
    return load_settings({}).settings.fal.model_copy(update=changed)


@pytest.fixture
def polling() -> PollingSettings:
    return PollingSettings(min_s=0.0001, max_s=0.0002, webhook_max_s=60.0, growth=0.08, first_share=0.7)


@pytest.fixture
def make(fal, fal_settings, polling):
    """Makes transcribers over the stand-in, with settings changed as given, and closes them."""
    made = []

    def build(**changes: Any) -> FalTranscriber:
        settings = fal_settings.model_copy(update=changes)
        made.append(FalTranscriber(settings, polling, SecretStr(KEY), "test/1", httpx.MockTransport(fal.handle)))
        return made[-1]

    yield build
    for transcriber in made:
        transcriber.close()


@pytest.fixture
def transcriber(make: Callable[..., FalTranscriber]) -> FalTranscriber:
    return make()


@pytest.fixture
def recipe() -> Recipe:
    return Recipe(endpoint_id="fal-ai/whisper", arguments={"task": "transcribe"})


@pytest.fixture
def paid(fal) -> PaidRequest:
    """A request that fal accepted a second ago."""
    urls = {name: fal.accepted[name] for name in ("status_url", "response_url", "cancel_url")}
    submitted_at = datetime.now(UTC) - timedelta(seconds=1)
    return PaidRequest(request_id=REQUEST_ID, endpoint_id="fal-ai/whisper", submitted_at=submitted_at, **urls)


@pytest.fixture
def body_of():
    """The JSON body of a request."""
    return lambda request: json.loads(request.content)


@pytest.fixture
def reply():
    """Makes answers for the stand-in: `reply(status, body, **headers)`."""
    return answer


@pytest.fixture
def find(transcriber, recipe):
    """Looks for the request that was submitted with `history_rows.AUDIO` when it `BEGAN`."""

    def look(*exclude, with_recipe=recipe, by=transcriber):
        sought = url_hash(history_rows.AUDIO)
        return by.find(with_recipe, sought, since=history_rows.BEGAN, until=None, exclude=exclude)

    return look


@pytest.fixture
def shows(fal, reply):
    """Lets the history show these pages."""
    return lambda *pages: fal.play("history", *(reply(200, each) for each in pages))
