"""Permits and rate in Redis or Valkey (6.2 or later): one atomic Lua script per act, by the server's clock.

Keys: `{prefix}{account}:permits` (sorted set), `{prefix}{account}:permits:limit` (a ceiling set live, optional),
`{prefix}{account}:permits:reduced` (hash, expiring: how far and when fal's answers reduced the limit),
`{prefix}{account}:permits:in_flight` (hash: name -> request), `{prefix}{account}:permits:since` (when the server was
first asked) and `{prefix}{account}:rate`. Nothing here survives a wiped server, and nothing needs to (I3).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

from pipeline.errors import ConfigurationError
from pipeline.limits.base import COOL_DOWN_S, Permits, PermitUse, Rate
from pipeline.redis_server import Client, asking, lua


class RedisPermits(Permits):
    """The semaphore as a sorted set: member = name, score = end of its lease in ms.

    `client` decodes responses. `limit` is the ceiling unless one is set live. The limit in force grows from 1 to the
    ceiling in `recover_s`, and is halved at most once per `cool_down_s`. A server that knows nothing gives no permit
    for `regather_s`.
    """

    def __init__(
        self,
        client: Client,
        *,
        key_prefix: str,
        account: str,
        limit: int,
        lease_s: float,
        recover_s: float,
        regather_s: float = 0.0,
        cool_down_s: float = COOL_DOWN_S,
    ) -> None:
        self._client = client
        self._permits = f"{key_prefix}{account}:permits"
        self._ceiling = f"{self._permits}:limit"
        self._reduced = f"{self._permits}:reduced"
        self._in_flight = f"{self._permits}:in_flight"
        self._since = f"{self._permits}:since"
        self._regather_ms = math.ceil(regather_s * 1000)
        self._lease_ms = math.ceil(lease_s * 1000)
        self._cool_down_ms = math.ceil(cool_down_s * 1000)
        self._growth = [limit, math.ceil(recover_s * 1000)]
        in_force = lua("pipeline.limits", "permits_in_force")
        still_held = lua("pipeline.limits", "permits_still_held")
        self._acquire = client.register_script(in_force + still_held + lua("pipeline.limits", "permits_acquire"))
        self._adopt = client.register_script(lua("pipeline.limits", "permits_adopt"))
        self._abandoned = client.register_script(lua("pipeline.limits", "permits_abandoned"))
        self._renew = client.register_script(lua("pipeline.limits", "permits_renew"))
        self._slow_down = client.register_script(in_force + lua("pipeline.limits", "permits_slow_down"))
        self._use = client.register_script(in_force + still_held + lua("pipeline.limits", "permits_use"))

    def try_acquire(self, name: str) -> bool:
        """See `Permits.try_acquire`."""
        keys = [self._permits, self._ceiling, self._reduced, self._in_flight, self._since]
        with asking(self._client):
            return bool(self._acquire(keys, [name, self._lease_ms, *self._growth, self._regather_ms]))

    def adopt(self, name: str, request: str | None = None) -> None:
        """See `Permits.adopt`."""
        with asking(self._client):
            self._adopt([self._permits, self._in_flight], [name, self._lease_ms, request or ""])

    def abandoned(self) -> Mapping[str, str]:
        """See `Permits.abandoned`."""
        with asking(self._client):
            pairs = self._abandoned([self._permits, self._in_flight])
        return dict(zip(pairs[::2], pairs[1::2], strict=True))

    def renew(self, names: Collection[str]) -> set[str]:
        """See `Permits.renew`."""
        if not names:
            return set()
        with asking(self._client):
            return set(self._renew([self._permits, self._in_flight], [self._lease_ms, *names]))

    def release(self, name: str) -> None:
        """See `Permits.release`."""
        with asking(self._client), self._client.pipeline(transaction=True) as transaction:
            transaction.zrem(self._permits, name)
            transaction.hdel(self._in_flight, name)
            transaction.execute()

    def slow_down(self, pause_s: float) -> None:
        """See `Permits.slow_down`. Repeated after a lost reply it falls into its own cool-down."""
        with asking(self._client):
            told = [*self._growth, self._cool_down_ms, math.ceil(pause_s * 1000)]
            self._slow_down([self._ceiling, self._reduced], told)

    def set_ceiling(self, limit: int | None) -> None:
        """See `Permits.set_ceiling`."""
        if limit is not None and limit < 1:
            raise ConfigurationError(f"A limit of {limit} requests in flight would stop all workers. Set 1 or more.")
        with asking(self._client):
            if limit is None:
                self._client.delete(self._ceiling)
            else:
                self._client.set(self._ceiling, limit)

    def use(self) -> PermitUse:
        """See `Permits.use`."""
        keys = [self._permits, self._ceiling, self._reduced, self._in_flight]
        with asking(self._client):
            held, limit, ceiling = self._use(keys, self._growth)
        return PermitUse(held, limit, ceiling)


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
