"""What fal answers, as it came: every call of our own client is noted on its way. Bodies stay in memory."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Exchange:
    """One call and its answer. Headers by their names in lower case; `body` is JSON, or text."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def units(self) -> float | None:
        """What fal has counted for the bill; None when it does not say."""
        with contextlib.suppress(ValueError, KeyError):
            return float(self.headers["x-fal-billable-units"])
        return None

    def field(self, name: str) -> Any:
        """A field of the body; None when there is none."""
        return self.body.get(name) if isinstance(self.body, dict) else None


class Recorder(httpx.AsyncBaseTransport):
    """Passes calls on, and keeps each answer under the label that is set at that moment."""

    def __init__(self, way: httpx.AsyncBaseTransport | None = None) -> None:
        self._way = way or httpx.AsyncHTTPTransport()
        self._label = ""
        self.kept: dict[str, list[Exchange]] = {}

    @contextlib.contextmanager
    def under(self, label: str) -> Iterator[None]:
        """Names the calls that are made meanwhile, which are made one after the other."""
        before, self._label = self._label, label
        try:
            yield
        finally:
            self._label = before

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See `httpx.AsyncBaseTransport`."""
        answer = await self._way.handle_async_request(request)
        content = await answer.aread()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        try:
            body = json.loads(content)
        except ValueError:
            body = content.decode(errors="replace")
        self.kept.setdefault(self._label, []).append(Exchange(answer.status_code, headers, body))
        return answer

    async def aclose(self) -> None:
        """Ends all connections."""
        await self._way.aclose()
