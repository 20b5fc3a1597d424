"""Who is calling: checks `Authorization: Key ...` (docs/fal.md section 1). No key leaves this file."""

import hashlib
import hmac


class Access:
    """The accepted keys. An account is known by a fingerprint of its key."""

    def __init__(self, keys: frozenset[str]) -> None:
        self._keys = [key.encode() for key in sorted(keys)]

    def owner(self, authorization: str | None) -> str | None:
        """The account behind an Authorization header; None when it is missing, not of the Key scheme, or wrong."""
        scheme, _, key = (authorization or "").partition(" ")
        # Every key is compared, in constant time each, so that timing tells nothing about which came close.
        matches = [hmac.compare_digest(known, key.strip().encode()) for known in self._keys]
        if scheme != "Key" or not any(matches):
            return None
        return hashlib.sha256(key.strip().encode()).hexdigest()[:12]
