"""Which addresses are fal's: the hosts that may see the key, and the URLs of an adopted request. Pure."""

from __future__ import annotations

import re

import httpx

from pipeline.errors import ServiceUnavailableError
from pipeline.speech.fal.wording import sentence

_FAL_HOST = re.compile(r"(?:[a-z0-9-]+\.)*(?:fal\.run|fal\.ai|falrun\.com)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAMESPACES = frozenset({"workflows", "comfy"})


def request_urls(queue_url: str, endpoint_id: str, request_id: str) -> dict[str, str]:
    """`status_url`, `response_url` and `cancel_url` of a request that was found in the history, which tells none.

    The one place where they are built: by the rule of docs/fal.md section 2, `[namespace/]owner/app` and no more.
    """
    segments = endpoint_id.split("/")
    app = "/".join(segments[: 3 if segments[0] in _NAMESPACES else 2])
    url = f"{queue_url}/{app}/requests/{request_id}"
    return {"status_url": f"{url}/status", "response_url": url, "cancel_url": f"{url}/cancel"}


class Addresses:
    """The queue host, its backup and the platform, and the rule which URLs may be called with the key."""

    def __init__(self, queue_url: str, backup_url: str, platform_url: str) -> None:
        self.queue_url = queue_url
        # fal answers with URLs on sister hosts; an emulator has no sisters.
        self._has_sisters = _is_fals(httpx.URL(queue_url))
        self.backup_url = unless_stray(backup_url, queue_url)
        self.platform_url = unless_stray(platform_url, queue_url)
        """Empty when there is none to ask."""
        self._own = {_origin(httpx.URL(url)) for url in (self.queue_url, self.backup_url, self.platform_url) if url}

    def check(self, url: str) -> None:
        """Raises `ServiceUnavailableError` when the key must not be sent to this URL."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            parsed = httpx.URL("")
        is_known = _origin(parsed) in self._own or (self._has_sisters and _is_fals(parsed))
        if parsed.userinfo or not is_known:
            raise ServiceUnavailableError(
                sentence(
                    "fal returned a URL on an unexpected host, and the key was not sent there",
                    parsed.host or "no host at all",
                    "Check fal.queue_url; behind a proxy, fal's answers must name the same host.",
                ),
                reason="unexpected_host",
            )

    def on_backup(self, url: str) -> str | None:
        """The same path on the backup host; None without one, or when the URL is there already."""
        if not self.backup_url:
            return None
        backup = httpx.URL(self.backup_url)
        moved = httpx.URL(url).copy_with(scheme=backup.scheme, netloc=backup.netloc)
        return None if str(moved) == url else str(moved)


def unless_stray(url: str, queue_url: str) -> str:
    """The URL; empty when it is fal's own and the queue is not: it would lead trial work to the paying service."""
    is_stray = bool(url) and _is_fals(httpx.URL(url)) and not _is_fals(httpx.URL(queue_url))
    return "" if is_stray else url


def _is_fals(url: httpx.URL) -> bool:
    return url.scheme == "https" and url.port is None and _FAL_HOST.fullmatch(url.host) is not None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _DEFAULT_PORTS.get(url.scheme)
