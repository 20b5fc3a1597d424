"""The queue API over HTTP: submit, status, stream, result, cancel (docs/fal.md section 3). No redirects anywhere."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from emulator.fal.addresses import RequestAddress, parse_request_address
from emulator.fal.entrance import Entrance
from emulator.fal.gate import Gate
from emulator.fal.hosts import base_url
from emulator.fal.models import exists
from emulator.fal.outcomes import request_error
from emulator.fal.queue import FalQueue
from emulator.fal.replies import about, replayed
from emulator.fal.request import FalRequest, State, audio_path_of
from emulator.fal.retention import is_expired
from emulator.fal.settings import EmulatorSettings
from emulator.fal.statuses import LOGS_ON, status_of
from emulator.fal.submissions import BadSubmissionError, longest_queue, read_submission

_CANCEL_CODES = {"OK": 200, "CANCELLATION_REQUESTED": 202, "ALREADY_COMPLETED": 400}
_STREAM_LOOK_S = 0.05  # How often a status stream looks for a change.


class QueueRoutes:
    """Answers every path that is not the emulator's own or the platform's."""

    def __init__(self, settings: EmulatorSettings, queue: FalQueue, entrance: Entrance, gate: Gate) -> None:
        self._settings = settings
        self._queue = queue
        self._entrance = entrance
        self._gate = gate

    async def answer(self, http: Request) -> Response:
        """Dispatches by path and method; the key comes first, as at fal."""
        address = parse_request_address(http.url.path)
        verb = address.verb if address else "submit"
        owner = self._entrance.owner(http, verb)
        if owner is None:
            return JSONResponse({"detail": "invalid key credentials"}, 401)
        expected = {"submit": "POST", "cancel": "PUT"}.get(verb, "GET")
        if http.method != expected:
            return JSONResponse({"detail": "Method Not Allowed"}, 405, {"allow": expected})
        if address is None:
            return await self._submit(http, owner)
        request = self._find(address, owner)
        if request is None:
            # Gated as well: a rule without a match is meant for every poll.
            return await self._gated(address, lambda: JSONResponse({"status": "NOT_FOUND"}, 404), None)
        return await self._about(http, address, request)

    async def _about(self, http: Request, address: RequestAddress, request: FalRequest) -> Response:
        logs = http.query_params.get("logs") in LOGS_ON
        own_url = base_url(http)
        if address.verb == "stream":
            return StreamingResponse(self._events(request, own_url, logs=logs), media_type="text/event-stream")
        acts = {
            "status": lambda: self._status(request, own_url, logs=logs),
            "result": lambda: replayed(request),
            "cancel": lambda: self._cancel(request),
        }
        return await self._gated(address, acts[address.verb], request)

    async def _gated(self, address: RequestAddress, act: Any, request: FalRequest | None) -> Response:
        stage = "status" if address.verb == "stream" else address.verb
        endpoint_id = request.endpoint_id if request else address.prefix
        path = audio_path_of(request.audio_url) if request else ""
        return await self._gate.pass_through(stage, act, endpoint_id=endpoint_id, audio_path=path)

    def _find(self, address: RequestAddress, owner: str) -> FalRequest | None:
        request = self._queue.by_id.get(address.request_id)
        if request is None or request.owner != owner or address.prefix not in {request.app_id, request.endpoint_id}:
            return None
        return None if is_expired(request, time.time(), self._settings.time_factor) else request

    async def _submit(self, http: Request, owner: str) -> Response:
        endpoint_id = http.url.path.strip("/")
        if not exists(endpoint_id, any_endpoint=self._settings.any_endpoint):
            return JSONResponse({"detail": f"Application '{endpoint_id}' not found"}, 404)
        try:
            request = read_submission(endpoint_id, owner, http, await http.body())
            limit = longest_queue(http)
        except BadSubmissionError as error:
            outcome = request_error("bad_request", str(error), 400)
            return Response(outcome.body, 400, outcome.headers, media_type="application/json")
        own_url = base_url(http)
        return await self._gate.pass_through(
            "submit",
            lambda: self._accept(request, limit, own_url),
            endpoint_id=endpoint_id,
            audio_path=audio_path_of(request.audio_url),
        )

    def _accept(self, request: FalRequest, limit: int | None, own_url: str) -> Response:
        if limit is not None and self._queue.waiting > limit:
            return JSONResponse({"detail": "Queue is longer than fal_max_queue_length"}, 429)
        request.sent_at = time.time()  # A held submit arrives when it is let through.
        self._queue.submit(request)
        return about(status_of(request, self._queue, own_url, logs=False), 200, request)

    def _status(self, request: FalRequest, own_url: str, *, logs: bool) -> Response:
        status = status_of(request, self._queue, own_url, logs=logs)
        return about(status, 200 if request.state is State.COMPLETED else 202, request)

    def _cancel(self, request: FalRequest) -> Response:
        answer = self._queue.cancel(request)
        return about({"status": answer}, _CANCEL_CODES[answer], request)

    async def _events(self, request: FalRequest, own_url: str, *, logs: bool) -> AsyncIterator[str]:
        """One event per change; log lines are sent once, for clients add them up (docs/fal.md section 3.3)."""
        last: dict[str, Any] = {}
        logs_sent = False
        while last.get("status") != State.COMPLETED:
            status = status_of(request, self._queue, own_url, logs=logs)
            if status != last:
                event = status | ({"logs": []} if logs_sent else {})
                logs_sent = logs_sent or bool(status.get("logs"))
                yield f"data: {json.dumps(event)}\n\n"
                last = status
            else:
                await asyncio.sleep(_STREAM_LOOK_S)
