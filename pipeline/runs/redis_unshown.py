"""Unshown requests in Redis or Valkey: one short list."""

from __future__ import annotations

from typing import Any

from pipeline.redis_server import Client, asking
from pipeline.runs.records import Keys
from pipeline.runs.unshown import MOST_KEPT, Unshown

_KEEP_S = 30 * 86_400  # after that fal's history shows no inputs anyway (docs/fal.md section 7)


class RedisUnshown(Unshown):
    """`client` is one that `connect` made."""

    def __init__(self, client: Client, *, key_prefix: str, most_kept: int = MOST_KEPT) -> None:
        self._client: Any = client  # redis-py's types allow bytes in every answer; this client decodes
        self._key = Keys(key_prefix).unshown
        self._most_kept = most_kept

    def note(self, request_id: str) -> None:
        """See `Unshown.note`."""
        with asking(self._client), self._client.pipeline(transaction=True) as acts:
            acts.lpush(self._key, request_id)
            acts.ltrim(self._key, 0, self._most_kept - 1)
            acts.expire(self._key, _KEEP_S)
            acts.execute()

    def ids(self) -> frozenset[str]:
        """See `Unshown.ids`."""
        with asking(self._client):
            return frozenset(self._client.lrange(self._key, 0, -1))
