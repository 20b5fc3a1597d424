"""Answers about a request: JSON with its id, and its outcome as it was (docs/fal.md section 3.4)."""

from typing import Any

from starlette.responses import JSONResponse, Response

from emulator.fal.request import FalRequest


def about(content: Any, status_code: int, request: FalRequest) -> Response:
    """JSON with `x-fal-request-id`, which the JavaScript client reads."""
    return JSONResponse(content, status_code, {"x-fal-request-id": request.request_id})


def replayed(request: FalRequest) -> Response:
    """The outcome with its own code and headers, a failure too; 400 before the end."""
    outcome = request.outcome
    if outcome is None:
        return about({"detail": "Request is still in progress"}, 400, request)
    headers = outcome.headers | {
        "x-fal-request-id": request.request_id,
        "x-fal-billable-units": f"{outcome.billable_units:.15g}",
    }
    return Response(outcome.body, outcome.status_code, headers, media_type="application/json")
