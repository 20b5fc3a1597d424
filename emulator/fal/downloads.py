"""Fetches the audio of a request as a runner does: by its URL alone, while processing (docs/fal.md section 10)."""

import base64
import binascii
import re
from pathlib import Path

import httpx

from emulator.fal.hosts import CDN_URLS

# Extra MIME parameters are refused, as was reported of fal.
_DATA_URI = re.compile(r"data:[\w.+-]*/?[\w.+-]*;base64,(?P<data>[A-Za-z0-9+/=\s]*)")


class DownloadError(Exception):
    """The audio cannot be fetched. Says no more: the URL is a secret."""


class Downloads:
    """Streams audio into files of one folder. Use as one client for the life of the process."""

    def __init__(self, folder: Path, own_url: str) -> None:
        """`own_url` is where this emulator answers: what lies on fal's CDN lies here."""
        self._folder = folder
        self._own_url = own_url
        # No proxies from the environment: what is emulated here is on this machine.
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(60, connect=10),
            follow_redirects=True,
            trust_env=False,
            headers={"user-agent": "nightscribe-emulator"},
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        )

    async def fetch(self, url: str, name: str) -> Path:
        """Fetches an http(s) URL or a base64 data URI into a file of that name, which the caller deletes.

        Raises DownloadError.
        """
        target = self._folder / name
        if url.startswith("data:"):
            target.write_bytes(_data_of(url))
            return target
        try:
            async with self._client.stream("GET", self._here(url)) as response:
                response.raise_for_status()
                with target.open("wb") as file:
                    async for block in response.aiter_bytes():
                        file.write(block)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            target.unlink(missing_ok=True)
            raise DownloadError(type(error).__name__) from error
        return target

    def _here(self, url: str) -> str:
        for cdn_url in CDN_URLS:
            if url.startswith(f"{cdn_url}/"):
                return self._own_url + url.removeprefix(cdn_url)
        return url

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def _data_of(uri: str) -> bytes:
    match = _DATA_URI.fullmatch(uri)
    if match is None:
        raise DownloadError("unsupported data URL")
    try:
        return base64.b64decode(match["data"])
    except binascii.Error as error:
        raise DownloadError("data URL is not base64") from error
