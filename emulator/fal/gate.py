"""Stands between an HTTP act and its answer, and lets the fault script spoil either."""

import asyncio
import http.client
from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse, Response

from emulator.fal.connections import Hangup, Truncated
from emulator.fal.faults import FaultScript, HttpStage, Misdeed
from emulator.fal.ledger import Ledger

ACCOUNT_CODES = frozenset({401, 402, 403})


class Gate:
    """Runs acts under the fault script."""

    def __init__(self, faults: FaultScript, ledger: Ledger) -> None:
        self._faults = faults
        self._ledger = ledger

    async def pass_through(
        self, stage: HttpStage, act: Callable[[], Response], *, endpoint_id: str = "", audio_path: str = ""
    ) -> Response:
        """Acts and answers, unless a rule says otherwise. `act` is called once or not at all."""
        fault = self._faults.draw(stage, endpoint_id=endpoint_id, audio_path=audio_path)
        if fault is None:
            return act()
        await asyncio.sleep(fault.hold_s)
        if fault.drop:
            return Hangup()
        response = scripted(fault.status, fault.body, fault.headers) if fault.status else act()
        await asyncio.sleep(fault.delay_s)
        if fault.status in ACCOUNT_CODES:
            self._ledger.refuse(stage, fault.status, audio_path)
        return _spoilt(response, fault)


def scripted(status: int, body: Any, headers: dict[str, str]) -> Response:
    """An answer from the script: JSON, or HTML when the body is a text."""
    if isinstance(body, str):
        return Response(body, status, headers, media_type="text/html")
    default = {"detail": http.client.responses.get(status, "Error")}
    return JSONResponse(default if body is None else body, status, headers)


def _spoilt(response: Response, fault: Misdeed) -> Response:
    if fault.lose_reply:
        return Hangup()
    if fault.truncate_body:
        return Truncated(response)
    if fault.cut_json:
        body = bytes(response.body)
        return Response(body[: len(body) // 2], response.status_code, media_type="application/json")
    return response
