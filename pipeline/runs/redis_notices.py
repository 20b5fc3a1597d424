"""Notices in Redis or Valkey: keys that expire, and a short stream of news that every worker process reads."""

from __future__ import annotations

import math
from typing import Any

from pipeline.redis_server import Client, asking, lua
from pipeline.runs.notices import Notice, NoticeBoard
from pipeline.runs.records import Codec, Keys

MOST_PER_TOKEN = 8
"""One is the rule. More come only from somebody who knows the token, and must not fill the server."""
_NEWS_LENGTH = 10_000
"""Some 100 bytes each. A worker that was cut off for longer than so many webhooks finds the rest by its polls."""
_REPEATS_MS = 600_000
"""A message is accepted for 300 s on either side of its time stamp (docs/fal.md section 8)."""

_NOTICES = Codec(Notice)


class RedisNoticeBoard(NoticeBoard):
    """`client` is one that `connect` made; `keep_s` is how long a notice waits for its job."""

    def __init__(self, client: Client, *, key_prefix: str, keep_s: float) -> None:
        self._client: Any = client  # redis-py's types allow bytes in every answer; this client decodes
        self._keys = Keys(key_prefix)
        self._keep_ms = math.ceil(keep_s * 1000)
        self._post = client.register_script(lua("pipeline.runs", "notice_post"))
        self._settle = client.register_script(lua("pipeline.runs", "notice_settle"))

    def post(self, notice: Notice) -> bool:
        """See `NoticeBoard.post`."""
        keys = [self._keys.noticed(notice.request_id), self._keys.notices(notice.token), self._keys.news]
        text = _NOTICES.encode(notice)
        told: list[str | int] = [
            *(notice.request_id, notice.token, text),
            *(self._keep_ms, MOST_PER_TOKEN, _NEWS_LENGTH),
        ]
        with asking(self._client):
            return bool(self._post(keys, told))

    def of(self, token: str) -> list[Notice]:
        """See `NoticeBoard.of`."""
        with asking(self._client):
            texts = self._client.lrange(self._keys.notices(token), 0, -1)
        return [_NOTICES.decode(text) for text in texts]

    def is_posted(self, request_id: str) -> bool:
        """See `NoticeBoard.is_posted`."""
        with asking(self._client):
            return bool(self._client.exists(self._keys.noticed(request_id)))

    def settle(self, request_id: str) -> None:
        """See `NoticeBoard.settle`."""
        with asking(self._client):
            self._settle([self._keys.noticed(request_id)], [self._keys.notices(""), _REPEATS_MS])

    def marker(self) -> str:
        """See `NoticeBoard.marker`."""
        with asking(self._client):
            last = self._client.xrevrange(self._keys.news, count=1)
        return last[0][0] if last else "0-0"

    def news(self, marker: str, within_s: float) -> tuple[str, list[str]]:
        """See `NoticeBoard.news`. `within_s` must be shorter than the client's socket timeout."""
        with asking(self._client):
            answer = self._client.xread({self._keys.news: marker}, block=max(1, math.ceil(within_s * 1000)))
        # A list of streams, or a mapping of them in RESP3; of each a list of entries, or a list of such lists.
        streams = list(answer.values()) if isinstance(answer, dict) else [entries for _, entries in answer or ()]
        entries = streams[0] if streams else []
        if entries and isinstance(entries[0], list):
            entries = [entry for batch in entries for entry in batch]
        return (entries[-1][0] if entries else marker), [fields["request"] for _, fields in entries]
