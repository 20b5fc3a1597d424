"""Permits and rate in Redis or Valkey (6.2 or later): one atomic Lua script per act, by the server's clock.

Keys: `{prefix}{account}:permits` (sorted set), `{prefix}{account}:permits:limit` (a limit set live, optional) and
`{prefix}{account}:rate`. Nothing here survives a wiped server, and nothing needs to (I3).
"""

from __future__ import annotations

import math
from collections.abc import Collection

from pipeline.limits.base import Permits, PermitUse, Rate
from pipeline.redis_server import Client, asking, lua


class RedisPermits(Permits):
    """The semaphore as a sorted set: member = job id, score = end of its lease in ms.

    `client` decodes responses. `limit` holds unless the limit key exists, which changes it for all workers at once.
    """

    def __init__(self, client: Client, *, key_prefix: str, account: str, limit: int, lease_s: float) -> None:
        self._client = client
        self._permits = f"{key_prefix}{account}:permits"
        self._keys = [self._permits, f"{self._permits}:limit"]
        self._limit = limit
        self._lease_ms = math.ceil(lease_s * 1000)
        self._acquire = client.register_script(lua("pipeline.limits", "permits_acquire"))
        self._adopt = client.register_script(lua("pipeline.limits", "permits_adopt"))
        self._renew = client.register_script(lua("pipeline.limits", "permits_renew"))
        self._use = client.register_script(lua("pipeline.limits", "permits_use"))

    def try_acquire(self, job_id: str) -> bool:
        """See `Permits.try_acquire`."""
        with asking(self._client):
            return bool(self._acquire(self._keys, [job_id, self._lease_ms, self._limit]))

    def adopt(self, job_id: str) -> None:
        """See `Permits.adopt`."""
        with asking(self._client):
            self._adopt([self._permits], [job_id, self._lease_ms])

    def renew(self, job_ids: Collection[str]) -> set[str]:
        """See `Permits.renew`."""
        if not job_ids:
            return set()
        with asking(self._client):
            return set(self._renew([self._permits], [self._lease_ms, *job_ids]))

    def release(self, job_id: str) -> None:
        """See `Permits.release`."""
        with asking(self._client):
            self._client.zrem(self._permits, job_id)

    def use(self) -> PermitUse:
        """See `Permits.use`."""
        with asking(self._client):
            held, limit = self._use(self._keys, [self._limit])
        return PermitUse(held=held, limit=limit)


class RedisRate(Rate):
    """GCRA over one number. A reply that was lost and asked for again books twice, which only slows down."""

    def __init__(self, client: Client, *, key_prefix: str, account: str, per_s: float, burst: int) -> None:
        self._client = client
        self._key = f"{key_prefix}{account}:rate"
        self._token_us = math.ceil(1_000_000 / per_s)
        self._burst = burst
        self._reserve = client.register_script(lua("pipeline.limits", "rate_reserve"))

    def reserve(self, max_wait_s: float) -> float | None:
        """See `Rate.reserve`."""
        with asking(self._client):
            wait_us = self._reserve([self._key], [self._token_us, self._burst, int(max_wait_s * 1_000_000)])
        return None if wait_us < 0 else wait_us / 1_000_000
