"""fal's public keys, fetched when they are needed and no more often than is polite. No network of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from pipeline.errors import ServiceUnavailableError
from pipeline.webhooks.signature import RefusedError, Seal, is_signed

KEEP_S = 24 * 3600.0
"""Keys are used no longer than this after they were fetched (docs/fal.md section 8)."""
FETCH_EVERY_S = 60.0
"""A signature that fits no key may be of a new one; a flood of forged ones must not become a flood of questions."""


class KeyRing:
    """Keeps the keys that `fetch` brings (raw, 32 bytes each). Thread-safe; `clock` returns seconds and only grows."""

    def __init__(self, fetch: Callable[[], Sequence[bytes]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Sequence[bytes] = ()
        self._fetched_at = -KEEP_S
        self._asked_at = -FETCH_EVERY_S

    def check(self, seal: Seal, body: bytes) -> None:
        """Returns when fal has signed the body.

        Raises `RefusedError` (`forged`), or `ServiceUnavailableError` when the keys to tell cannot be had now.
        """
        keys = self._known()
        if is_signed(seal, body, keys):
            return
        newer = self._newer_than(keys)
        if not is_signed(seal, body, newer):
            raise RefusedError("forged")

    def _known(self) -> Sequence[bytes]:
        with self._lock:
            return self._keys if self._clock() - self._fetched_at < KEEP_S else ()

    def _newer_than(self, keys: Sequence[bytes]) -> Sequence[bytes]:
        """The keys as they are now; none when they are those that did not fit, or were asked for a moment ago."""
        with self._lock:  # others that need them wait here, and find them fetched
            now = self._clock()
            if self._keys is not keys and now - self._fetched_at < KEEP_S:
                return self._keys
            if now - self._asked_at < FETCH_EVERY_S:
                if now - self._fetched_at < KEEP_S:
                    return ()
                raise ServiceUnavailableError("fal's public keys could not be fetched; they are asked for again soon.")
            self._asked_at = now
            self._keys = tuple(self._fetch())
            self._fetched_at = now
            return self._keys
