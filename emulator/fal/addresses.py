"""Reads the paths of the queue API (docs/fal.md section 2). Pure: no request is looked up here."""

from dataclasses import dataclass
from typing import Literal

NAMESPACES = frozenset({"workflows", "comfy"})

Verb = Literal["status", "stream", "result", "cancel"]

# Both `/requests/ID` and `/requests/ID/response` occur in fal's own pages.
_VERBS: dict[tuple[str, ...], Verb] = {
    ("status",): "status",
    ("status", "stream"): "stream",
    (): "result",
    ("response",): "result",
    ("cancel",): "cancel",
}


@dataclass(frozen=True)
class RequestAddress:
    """A path about one request: the app or endpoint id before `/requests/`, the request id, and what is asked."""

    prefix: str
    request_id: str
    verb: Verb


def app_of(endpoint_id: str) -> str:
    """`[namespace/]owner/app` of an endpoint id, without its sub-path."""
    segments = endpoint_id.split("/")
    return "/".join(segments[: 3 if segments[0] in NAMESPACES else 2])


def parse_request_address(path: str) -> RequestAddress | None:
    """The address in a path, with or without a trailing slash; None when the path is not about a request."""
    segments = path.strip("/").split("/")
    if "requests" not in segments[2:]:
        return None
    at = segments.index("requests", 2)
    verb = _VERBS.get(tuple(segments[at + 2 :]))
    if verb is None or at + 1 >= len(segments):
        return None
    return RequestAddress("/".join(segments[:at]), segments[at + 1], verb)
