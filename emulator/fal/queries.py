"""What the calls of the Platform API share: reading a query, and the shape of an error (docs/fal.md section 11)."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

MAX_ENDPOINTS = 50


class BadQueryError(Exception):
    """A query parameter is missing or wrong; the text says which."""


def names_in(http: Request, parameter: str) -> list[str]:
    """The values of a parameter, whether repeated or joined by commas; each once."""
    given = [name for value in http.query_params.getlist(parameter) for name in value.split(",") if name]
    return list(dict.fromkeys(given))


def endpoints_in(http: Request) -> list[str]:
    """The endpoint ids that are asked for. Raises BadQueryError when there are none, or too many."""
    names = names_in(http, "endpoint_id")
    if not 0 < len(names) <= MAX_ENDPOINTS:
        raise BadQueryError(f"endpoint_id is required, at most {MAX_ENDPOINTS} of them")
    return names


def moment_in(http: Request, parameter: str, default: float) -> float:
    """A time in seconds since the epoch. Raises BadQueryError."""
    text = http.query_params.get(parameter)
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadQueryError("start and end must be ISO 8601 times") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def platform_error(status_code: int, kind: str, message: str) -> Response:
    """An error as the Platform API says it."""
    about = {"type": kind, "message": message, "docs_url": "https://docs.fal.ai", "request_id": ""}
    return JSONResponse({"error": about}, status_code)
