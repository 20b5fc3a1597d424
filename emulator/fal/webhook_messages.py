"""What a webhook says and how it is signed (docs/fal.md section 8). No network, no faults."""

import base64
import hashlib
import json
import time
import uuid
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from emulator.fal.request import FalRequest


def body_of(request: FalRequest, *, is_unserialisable: bool = False) -> bytes:
    """The body for a request that has ended: its output, or its failure as the result route replays it."""
    outcome = request.outcome
    if outcome is None:
        raise ValueError(f"request {request.request_id} has not ended")
    body: dict[str, Any] = {"request_id": request.request_id, "gateway_request_id": request.request_id}
    if not outcome.is_success:
        body |= {"status": "ERROR", "error": outcome.error, "payload": json.loads(outcome.body)}
    elif is_unserialisable:
        body |= {"status": "OK", "payload": None, "payload_error": "Response payload is not JSON serializable."}
    else:
        body |= {"status": "OK", "payload": json.loads(outcome.body)}
    return json.dumps(body).encode()


def body_of_a_stranger() -> tuple[str, bytes]:
    """The id and the body of a request that nobody here has sent."""
    request_id = str(uuid.uuid4())
    body = {"request_id": request_id, "gateway_request_id": request_id, "status": "OK", "payload": {"text": "stray"}}
    return request_id, json.dumps(body).encode()


class Signer:
    """One pair of keys, and one that was retired: whoever verifies has to try all of them."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._retired = Ed25519PrivateKey.generate()
        self._forger = Ed25519PrivateKey.generate()

    def jwks(self) -> dict[str, Any]:
        """The public keys."""
        return {"keys": [_jwk(key) for key in (self._retired, self._key)]}

    def headers(
        self, request_id: str, user_id: str, body: bytes, *, age_s: float = 0, is_forged: bool = False
    ) -> dict[str, str]:
        """The four headers. Forged: by a key that is not among the public ones."""
        timestamp = str(int(time.time() - age_s))
        message = "\n".join([request_id, user_id, timestamp, hashlib.sha256(body).hexdigest()]).encode()
        key = self._forger if is_forged else self._key
        return {
            "X-Fal-Webhook-Request-Id": request_id,
            "X-Fal-Webhook-User-Id": user_id,
            "X-Fal-Webhook-Timestamp": timestamp,
            "X-Fal-Webhook-Signature": key.sign(message).hex(),
        }


def _jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    public = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "x": public}
