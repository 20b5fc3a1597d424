"""Reads a submit: the body and the headers that fal gives a meaning (docs/fal.md sections 3.1 and 4)."""

import json
import time
import uuid
from typing import Any

from starlette.requests import Request

from emulator.fal.addresses import app_of
from emulator.fal.request import FalRequest

SHORTEST_START_TIMEOUT_S = 0.1  # docs/fal.md section 4: the server wants more than this.


class BadSubmissionError(Exception):
    """The submit cannot be understood; the text is the `detail` of a 400 bad_request."""


def read_submission(endpoint_id: str, owner: str, request: Request, body: bytes) -> FalRequest:
    """A request ready for the queue. The arguments are not judged here: a runner does that later.

    Raises BadSubmissionError.
    """
    return FalRequest(
        request_id=str(uuid.uuid4()),
        endpoint_id=endpoint_id,
        app_id=app_of(endpoint_id),
        owner=owner,
        arguments=_json(body),
        sent_at=time.time(),
        start_timeout_s=_start_timeout_s(request),
        stores_io=request.headers.get("x-fal-store-io") != "0",
        webhook_url=_webhook_url(request),
    )


def longest_queue(request: Request) -> int | None:
    """The caller's fal_max_queue_length; None when there is none. Raises BadSubmissionError."""
    text = request.query_params.get("fal_max_queue_length")
    try:
        return None if text is None else int(text)
    except ValueError:
        raise BadSubmissionError("fal_max_queue_length must be a whole number") from None


def _webhook_url(request: Request) -> str | None:
    url = request.query_params.get("fal_webhook")
    if url is not None and not url.startswith(("https://", "http://")):
        raise BadSubmissionError("fal_webhook must be a URL")
    return url


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise BadSubmissionError("Request body is not valid JSON") from None


def _start_timeout_s(request: Request) -> float | None:
    # The first is fal's newer name and wins when both are sent.
    text = request.headers.get("x-fal-request-start-timeout") or request.headers.get("x-fal-request-timeout")
    if text is None:
        return None
    try:
        timeout_s = float(text)
    except ValueError:
        raise BadSubmissionError("X-Fal-Request-Timeout must be a number of seconds") from None
    if not SHORTEST_START_TIMEOUT_S < timeout_s < float("inf"):
        raise BadSubmissionError(f"X-Fal-Request-Timeout must be more than {SHORTEST_START_TIMEOUT_S} seconds")
    return timeout_s
