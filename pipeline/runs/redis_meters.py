"""The book of meters in Redis or Valkey: one hash per account, a field per series, its name a list in JSON."""

from __future__ import annotations

import json
from typing import Any

from pipeline.meters import Gathered, Series
from pipeline.redis_server import Client, asking
from pipeline.runs.meter_book import MeterBook
from pipeline.runs.records import Keys


class RedisMeterBook(MeterBook):
    """`client` is one that `connect` made."""

    def __init__(self, client: Client, *, key_prefix: str, account: str) -> None:
        self._client: Any = client  # redis-py's types allow bytes in every answer; this client decodes
        self._key = Keys(key_prefix).meters(account)

    def add(self, gathered: Gathered) -> None:
        """See `MeterBook.add`. One transaction, so that it is added as a whole or not at all."""
        if not gathered:
            return
        with asking(self._client), self._client.pipeline(transaction=True) as acts:
            for series, amount in gathered.items():
                acts.hincrbyfloat(self._key, json.dumps(series), amount)
            acts.execute()

    def read(self) -> Gathered:
        """See `MeterBook.read`. A few hundred fields, whatever was transcribed."""
        with asking(self._client):
            fields = self._client.hgetall(self._key)
        return {_series(name): float(text) for name, text in fields.items()}


def _series(name: str) -> Series:
    return tuple(json.loads(name))
