"""The request history of the platform API, by endpoint (docs/fal.md section 11): how an orphan is found again."""

import base64
import binascii
import json
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from emulator.fal.entrance import Entrance
from emulator.fal.gate import Gate
from emulator.fal.ledger import iso
from emulator.fal.queries import BadQueryError, endpoints_in, moment_in, platform_error
from emulator.fal.queue import FalQueue
from emulator.fal.request import FalRequest, State
from emulator.fal.retention import stores_input, stores_output
from emulator.fal.settings import EmulatorSettings

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
DAY_S = 86_400.0
_LAST_CODES = {"success": (200, 399), "user_error": (400, 499), "error": (500, 599)}


class History:
    """Answers GET /v1/models/requests/by-endpoint: running requests first, then the ended ones, the last one first.

    A cursor is a page number, as at fal: what ends between two pages moves rows from one page to another.
    """

    def __init__(self, settings: EmulatorSettings, queue: FalQueue, entrance: Entrance, gate: Gate) -> None:
        self._settings = settings
        self._queue = queue
        self._entrance = entrance
        self._gate = gate

    async def answer(self, http: Request) -> Response:
        """One page of the caller's own requests."""
        owner = self._entrance.owner(http, "history")
        if owner is None:
            return platform_error(401, "authentication_error", "invalid key credentials")
        endpoint_id = http.query_params.get("endpoint_id", "")
        return await self._gate.pass_through("history", lambda: self._page(http, owner), endpoint_id=endpoint_id)

    def _page(self, http: Request, owner: str) -> Response:
        try:
            rows, cursor = self._rows(http, owner)
        except BadQueryError as error:
            return platform_error(400, "invalid_request_error", str(error))
        return JSONResponse({"items": rows, "next_cursor": cursor, "has_more": cursor is not None})

    def _rows(self, http: Request, owner: str) -> tuple[list[dict[str, Any]], str | None]:
        query = http.query_params
        endpoints = endpoints_in(http)
        now = time.time()
        start, end = moment_in(http, "start", now - DAY_S), moment_in(http, "end", now)
        limit = _number(query.get("limit"), "limit", DEFAULT_LIMIT)
        if not 0 < limit <= MAX_LIMIT:
            raise BadQueryError(f"limit must be from 1 to {MAX_LIMIT}")
        first = _page_number(query.get("cursor")) * limit
        low, high = _codes(query.get("status"))
        found = [
            request
            for request in self._queue.by_id.values()
            if request.owner == owner
            and request.endpoint_id in endpoints
            and start <= request.sent_at < end
            and (low is None or (request.outcome is not None and low <= request.outcome.status_code <= high))
            and query.get("request_id") in {None, request.request_id}
            and self._is_indexed(request, now)
        ]
        found.sort(key=lambda request: (request.ended_at or now, request.ticket), reverse=True)
        after = first + limit
        payloads = "payloads" in query.getlist("expand")
        rows = [self._row(request, now, payloads=payloads) for request in found[first:after]]
        return rows, _cursor(after // limit) if len(found) > after else None

    def _is_indexed(self, request: FalRequest, now: float) -> bool:
        if request.state is State.IN_QUEUE and not self._settings.history_shows_queued:
            return False
        seen_at = request.sent_at if self._settings.history_shows_queued else (request.started_at or request.sent_at)
        return now >= seen_at + self._settings.history_lag_s

    def _row(self, request: FalRequest, now: float, *, payloads: bool) -> dict[str, Any]:
        started_at, ended_at, outcome = request.started_at, request.ended_at, request.outcome
        row = {
            "request_id": request.request_id,
            "endpoint_id": request.endpoint_id,
            "sent_at": iso(request.sent_at),
            "started_at": iso(started_at) if started_at else None,
            "ended_at": iso(ended_at) if ended_at else None,
            "status_code": outcome.status_code if outcome else None,
            "duration": round(ended_at - started_at, 3) if started_at and ended_at else None,
        }
        if payloads and stores_input(request, now, self._settings.time_factor):
            row["json_input"] = request.arguments
        if payloads and outcome is not None and stores_output(request, now, self._settings.time_factor):
            row["json_output"] = json.loads(outcome.body)
        return row


def _codes(status: str | None) -> tuple[int | None, int]:
    if status is None:
        return None, 0
    if status not in _LAST_CODES:
        raise BadQueryError("status must be success, error or user_error")
    return _LAST_CODES[status]


def _number(text: str | None, name: str, default: int) -> int:
    try:
        return default if text is None else int(text)
    except ValueError:
        raise BadQueryError(f"{name} must be a number") from None


def _cursor(page: int) -> str:
    return base64.b64encode(str(page).encode()).decode()


def _page_number(cursor: str | None) -> int:
    try:
        return int(base64.b64decode(cursor, validate=True)) if cursor else 0
    except (ValueError, binascii.Error):
        raise BadQueryError("cursor is none of ours") from None
