"""The public keys that fal signs its webhooks with (docs/fal.md section 8). They are no secret, and no key is sent."""

from __future__ import annotations

import base64
import binascii

import httpx

from pipeline.errors import ServiceUnavailableError
from pipeline.speech.fal.wire import parse_json

KEY_BYTES = 32
_MAX_BYTES = 1_000_000
_MAX_KEYS = 32
_AGAIN = "It is asked again; until then webhooks are put off, and workers poll."


def fetch_keys(url: str, *, connect_timeout_s: float, timeout_s: float) -> list[bytes]:
    """fal's Ed25519 keys, raw. Raises `ServiceUnavailableError` when they cannot be had or read."""
    timeout = httpx.Timeout(timeout_s, connect=connect_timeout_s)
    try:
        with httpx.stream("GET", url, timeout=timeout, headers={"Accept": "application/json"}) as reply:
            if reply.status_code != httpx.codes.OK:
                raise _away(f"answered HTTP {reply.status_code}")
            content = b""
            for part in reply.iter_bytes():
                content += part
                if len(content) > _MAX_BYTES:
                    raise _away("answered with more than a list of keys")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise _away(f"cannot be read: {type(error).__name__}") from error
    keys = keys_in(content)
    if not keys:
        raise _away("holds no Ed25519 key")
    return keys


def keys_in(content: bytes) -> list[bytes]:
    """The usable keys of a JWKS; entries of other kinds are passed over."""
    try:
        body = parse_json(content)
    except ValueError:
        return []
    entries = body.get("keys") if isinstance(body, dict) else None
    found = [_key(entry) for entry in entries[:_MAX_KEYS]] if isinstance(entries, list) else []
    return [key for key in found if key is not None]


def _key(entry: object) -> bytes | None:
    if not isinstance(entry, dict) or (entry.get("kty"), entry.get("crv")) != ("OKP", "Ed25519"):
        return None
    text = entry.get("x")
    if not isinstance(text, str) or not text.isascii():
        return None
    try:
        key = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    return key if len(key) == KEY_BYTES else None


def _away(what: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(f"fal.jwks_url {what}. {_AGAIN}", reason="no_webhook_keys")
