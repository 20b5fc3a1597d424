"""Whether a message is from fal: the recipe of docs/fal.md section 8, over the raw body. Pure; no network, no clock.

A good signature proves that fal has sent this body about this request. It does not prove that the request is ours: fal
signs for all its customers alike, and neither the address nor the token in it is signed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_AGE_S = 300
"""How far the time stamp may be from now, in both directions."""
REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""What fal's ids are made of, and what can stand in a URL path or a Redis key without a second meaning."""

_REQUEST_ID_HEADER = "x-fal-webhook-request-id"
_USER_ID_HEADER = "x-fal-webhook-user-id"
_TIMESTAMP_HEADER = "x-fal-webhook-timestamp"
_SIGNATURE_HEADER = "x-fal-webhook-signature"
_USER_ID = re.compile(r"[!-~]{1,200}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9a-fA-F]{128}")


class RefusedError(Exception):
    """The message is not believed; `reason` is a stable word, and says nothing of what was sent."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Seal:
    """What the headers claim, in a form that could be true."""

    request_id: str
    user_id: str
    timestamp: str
    signature: bytes

    def message(self, body_sha256: str) -> bytes:
        """The bytes that fal signs, for a body with this SHA-256 in lower-case hex."""
        return f"{self.request_id}\n{self.user_id}\n{self.timestamp}\n{body_sha256}".encode()


def read_seal(headers: Sequence[tuple[str, str]], now_s: float) -> Seal:
    """The seal in the headers, names in lower case. Raises `RefusedError`: `unsigned` or `stale`."""
    found = _once(headers)
    seal = {
        "request_id": _matching(found, _REQUEST_ID_HEADER, REQUEST_ID),
        "user_id": _matching(found, _USER_ID_HEADER, _USER_ID),
        "timestamp": _matching(found, _TIMESTAMP_HEADER, _TIMESTAMP),
    }
    signature = _matching(found, _SIGNATURE_HEADER, _SIGNATURE)
    if abs(now_s - int(seal["timestamp"])) > MAX_AGE_S:
        raise RefusedError("stale")
    return Seal(signature=bytes.fromhex(signature), **seal)


def is_signed(seal: Seal, body: bytes, keys: Iterable[bytes]) -> bool:
    """Whether one of these raw public keys has signed the body under this seal."""
    message = seal.message(hashlib.sha256(body).hexdigest())
    return any(_fits(key, seal.signature, message) for key in keys)


def _fits(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _once(headers: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The headers that came once. Of two with one name, nobody knows which a proxy has looked at."""
    names = [name for name, _ in headers]
    return {name: value for name, value in headers if names.count(name) == 1}


def _matching(headers: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    value = headers.get(name, "")
    if not form.fullmatch(value):
        raise RefusedError("unsigned")
    return value
