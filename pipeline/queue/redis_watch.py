"""A look at Celery's lists in Redis, without Celery: its client would try for long when the server is away."""

from __future__ import annotations

import json
from typing import Any

from pipeline.queue.base import QueueWatch, Waiting
from pipeline.redis_server import Client, asking

PRIORITY_LISTS = ("", "\x06\x163", "\x06\x166", "\x06\x169")
"""The Redis transport keeps one list per priority step, this separator between name and step."""


class RedisQueueWatch(QueueWatch):
    """`client` is one that `connect` made; `key_prefix` and `name` are those of the queue."""

    def __init__(self, client: Client, *, key_prefix: str, name: str) -> None:
        self._client: Any = client  # redis-py's types allow bytes in every answer; this client decodes
        self._lists = [f"{key_prefix}{name}{step}" for step in PRIORITY_LISTS]

    def look(self) -> Waiting:
        """See `QueueWatch.look`."""
        with asking(self._client), self._client.pipeline(transaction=False) as questions:
            for name in self._lists:
                questions.llen(name)
                questions.lindex(name, -1)  # messages are taken from the right
            answers = questions.execute()
        times = [sent for text in answers[1::2] if text and (sent := _sent_epoch_s(text)) is not None]
        return Waiting(sum(answers[::2]), min(times, default=None))


def _sent_epoch_s(message: str) -> float | None:
    """The time of AMQP's own property. The job, in the body, stays packed."""
    try:
        return float(json.loads(message)["properties"]["timestamp"])
    except (ValueError, TypeError, KeyError):
        return None
