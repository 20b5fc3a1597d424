"""Tells by posting Slack-compatible JSON to a URL, which nobody else may learn."""

from __future__ import annotations

import asyncio
import re

import httpx

from pipeline.models import RunEnd
from pipeline.notify import slack
from pipeline.notify.base import Notifier

# Slack says what it did not like in one such word (invalid_blocks, channel_is_archived). Anything longer is not quoted:
# it may repeat the URL.
_ERROR_WORD = re.compile(r"[a-z_]{2,40}")
_ERROR_BYTES = 200
_RETRY_AFTER = re.compile(r"[0-9]{1,6}")


class WebhookNotifier(Notifier):
    """Posts once, and once more when it was asked to wait (429); all within `timeout_s`. Follows no redirect."""

    def __init__(self, url: str, *, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s

    def tell(self, end: RunEnd) -> str | None:
        """See `Notifier.tell`."""
        try:
            return asyncio.run(self._post(end))
        except TimeoutError:
            what = f"did not take the message within {self._timeout_s:g} s (notify.timeout_s)"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # Its text names the host, or more of the URL.
            what = f"could not be reached ({type(error).__name__}). Look at the URL and the network"
        return _sentence(what)

    async def _post(self, end: RunEnd) -> str | None:
        async with asyncio.timeout(self._timeout_s), httpx.AsyncClient(timeout=self._timeout_s) as client:
            status, wait_s, word = await self._attempt(client, end)
            if status == httpx.codes.TOO_MANY_REQUESTS:
                await asyncio.sleep(wait_s)
                status, _, word = await self._attempt(client, end)
        if httpx.codes.is_success(status):
            return None
        if httpx.codes.is_redirect(status):
            return _sentence(f"answered HTTP {status}. Redirects are not followed: set the address that it leads to")
        said = f" ({word})" if word else ""
        return _sentence(f"answered HTTP {status}{said}. Check that the webhook still exists and takes Slack's JSON")

    async def _attempt(self, client: httpx.AsyncClient, end: RunEnd) -> tuple[int, float, str]:
        """The status, how long it asked to wait, and its word for an error."""
        async with client.stream("POST", self._url, json=slack.message(end)) as reply:
            said = b""
            if not reply.is_success:
                async for part in reply.aiter_bytes():
                    said += part
                    if len(said) > _ERROR_BYTES:
                        break
            asked = reply.headers.get("Retry-After", "")
            wait_s = float(asked) if _RETRY_AFTER.fullmatch(asked) else 1.0
            word = said.decode("ascii", errors="replace").strip()
            return reply.status_code, wait_s, word if _ERROR_WORD.fullmatch(word) else ""


def _sentence(what: str) -> str:
    return f"The webhook of notify.webhook_url {what}."
