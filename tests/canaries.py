"""Canaries: secrets that are seeded on purpose, and the search for them in logs, messages, files and pages (I9)."""

from __future__ import annotations

import base64
import gzip
import re
import socket
import threading
import urllib.parse
import zlib
from contextlib import suppress
from typing import Self

from archives import Archive

REDIS_PASSWORD = "canary-redis-password-5f1e"
ENDPOINT_PASSWORD = "canary-endpoint-password-77aa"
_CANARY_HEX = "ca4a" * 16
SIGNED = (
    f"https://bucket.test/episode.mp3?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={_CANARY_HEX}%2F20261122"
    f"&X-Amz-Security-Token={_CANARY_HEX}&X-Amz-Signature={_CANARY_HEX}"
)
# Whatever stands between the name and the value: =, its escapes in URLs and JSON, a colon with quotes around it.
# A message may be cut in the middle of what stands for the value.
_SIGNATURE = re.compile(
    r"(?i)x-amz-(?:signature|credential|security-token)"
    r"(?>=|%3d|%253d|\\+u003d|&#61;|[\\\"'\s]{0,4}:[\\\"'\s]{0,4})"
    r"(?!REDACTED|R?E?D?A?C?T?E?D?(?:\.{3}|\\u2026|\xe2\x80\xa6|…))[\w/+%.-]{4,}"
)
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")
_GZIP_MAGIC = b"\x1f\x8b"


class Canaries:
    """The secrets of an archive, and the search for them in whatever form they are kept."""

    def __init__(self, archive: Archive) -> None:
        key = archive.environment["FAL_KEY"]
        self.secrets = {
            "the fal key": key,
            "the secret half of the fal key": key.partition(":")[2],
            "the AWS secret key": archive.environment["AWS_SECRET_ACCESS_KEY"],
            "the Redis password": REDIS_PASSWORD,
            "the password of an endpoint": ENDPOINT_PASSWORD,
            "a part of a presigned URL": _CANARY_HEX,
        }

    def leaks(self, sinks: dict[str, bytes]) -> list[str]:
        """A line for each secret that is found, with the place and its surroundings."""
        found = []
        for place, content in sinks.items():
            for text in readings_of(content):
                at = {name: text.find(secret) for name, secret in self.secrets.items() if secret in text}
                if match := _SIGNATURE.search(text):
                    at["a signature"] = match.start()
                found += [
                    f"{name} in {place}: ...{text[max(0, start - 150) : start + 60]!r}" for name, start in at.items()
                ]
        return sorted(set(found))


def readings_of(content: bytes) -> list[str]:
    """The content as it stands, percent-decoded, unzipped, and each base64 word in it decoded."""
    if content.startswith(_GZIP_MAGIC):
        with suppress(OSError, EOFError, zlib.error):  # two bytes that look like gzip by chance are read as they are
            content = gzip.decompress(content)
    text = content.decode(errors="replace")
    readings = [text]
    if "%" in text:
        readings.append(urllib.parse.unquote(text))
    for word in set(_BASE64.findall(content)):
        decoded = base64.b64decode(word[: len(word) - len(word) % 4])
        if b"{" in decoded or b"=" in decoded:
            readings += readings_of(decoded)
    return readings


class RedisTap:
    """Every command that a Redis server is given while the block runs: messages, events, hashes, rows."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._heard = bytearray()
        self._listener = threading.Thread(target=self._listen, name="redis-tap")

    def __enter__(self) -> Self:
        self._socket.sendall(b"MONITOR\r\n")
        self._heard += self._socket.recv(65536)  # the server's consent: from here on it tells everything
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._listener.join()
        self._socket.close()

    @property
    def heard(self) -> bytes:
        """All of it, quotes unescaped."""
        return bytes(self._heard).replace(b'\\"', b'"')

    def _listen(self) -> None:
        while block := self._socket.recv(65536):
            self._heard += block
