"""fal's side of a webhook, made by hand: it signs as docs/fal.md section 8 says, without any code of ours."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NOW_S = 1_790_000_000
REQUEST_ID = "6f1a2b3c-0000-4000-8000-00000000abcd"


def seed(letter: str) -> bytes:
    return letter.encode() * 32


@dataclass
class Sender:
    """Signs with a fixed key, so that every vector is the same in every run."""

    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(seed("k")))
    user_id: str = "user|github_12345"

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    def headers(self, body: bytes, *, request_id: str = REQUEST_ID, at_s: float = NOW_S) -> dict[str, str]:
        timestamp = str(int(at_s))
        digest = hashlib.sha256(body).hexdigest()
        message = request_id + "\n" + self.user_id + "\n" + timestamp + "\n" + digest
        return {
            "x-fal-webhook-request-id": request_id,
            "x-fal-webhook-user-id": self.user_id,
            "x-fal-webhook-timestamp": timestamp,
            "x-fal-webhook-signature": self.key.sign(message.encode("utf-8")).hex(),
        }


def jwk(public: bytes, **changes: str) -> dict[str, str]:
    """A public key as a JWKS entry."""
    x = base64.urlsafe_b64encode(public).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x} | changes


def ok_body(request_id: str = REQUEST_ID, **changes: object) -> bytes:
    body = {"request_id": request_id, "gateway_request_id": request_id, "status": "OK", "payload": {"text": "hi 🎙"}}
    return json.dumps(body | changes).encode()
