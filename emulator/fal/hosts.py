"""Which of fal's hosts a request is meant for, on the one port of the emulator (docs/fal.md sections 1 and 15).

The official clients name the host in one of two ways: in `Host`, when they come through the tunnel, or in
`x-fal-target-url`, when the JavaScript client was given a proxy. Everybody else finds all paths on one host.
"""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

Service = Literal["queue", "run", "rest", "cdn", "platform"]

SERVICES: dict[str, Service] = {
    "queue.fal.run": "queue",
    "queue.falrun.com": "queue",
    "fal.run": "run",
    "falrun.com": "run",
    "rest.fal.ai": "rest",
    "rest.alpha.fal.ai": "rest",
    "v3.fal.media": "cdn",
    "v3b.fal.media": "cdn",
    "api.fal.ai": "platform",
}
CDN_URLS = tuple(f"https://{host}" for host, service in SERVICES.items() if service == "cdn")
TARGET_HEADER = "x-fal-target-url"


class Hosts:
    """Hands each request to the application of its host, or to the one for everybody else."""

    def __init__(self, services: Mapping[Service, ASGIApp], anywhere: ASGIApp) -> None:
        self._services = services
        self._anywhere = anywhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on; path and query of a target URL take the place of those that came, in logs too."""
        headers = Headers(scope=scope)
        host, target = headers.get("host", ""), headers.get(TARGET_HEADER)
        if host in SERVICES:
            scope["scheme"] = "https"  # it came through the tunnel, which has taken the TLS off
        if target is not None:
            parts = urlsplit(target)
            host = parts.netloc
            if host not in SERVICES:
                await JSONResponse({"detail": "x-fal-target-url names none of fal's hosts"}, 400)(scope, receive, send)
                return
            path, query = parts.path, parts.query.encode()
            scope.update({"path": unquote(path), "raw_path": path.encode(), "query_string": query})
        app = self._services[SERVICES[host]] if host in SERVICES else self._anywhere
        await app(scope, receive, send)


def base_url(http: Request) -> str:
    """The address under which the caller came, without a trailing slash: URLs in answers begin with it."""
    return str(http.base_url).rstrip("/")


def cdn_url(http: Request) -> str:
    """Where the caller finds stored files: fal's own name for a caller who uses fal's names."""
    return CDN_URLS[0] if http.url.netloc in SERVICES else base_url(http)
