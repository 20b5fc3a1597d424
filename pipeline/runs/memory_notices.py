"""Notices in memory, for one process: unit tests. Thread-safe."""

from __future__ import annotations

import threading

from pipeline.runs.notices import Notice, NoticeBoard


class MemoryNoticeBoard(NoticeBoard):
    """Keeps what is posted until it ends; `most_per_token` as in Redis."""

    def __init__(self, most_per_token: int = 8) -> None:
        self._changed = threading.Condition()
        self._most_per_token = most_per_token
        self._posted: list[str] = []
        self._settled: set[str] = set()
        self._by_token: dict[str, list[Notice]] = {}

    def post(self, notice: Notice) -> bool:
        """See `NoticeBoard.post`."""
        with self._changed:
            if notice.request_id in self._posted or notice.request_id in self._settled:
                return False
            under = self._by_token.setdefault(notice.token, [])
            if len(under) < self._most_per_token:
                under.append(notice)
            self._posted.append(notice.request_id)
            self._changed.notify_all()
            return True

    def of(self, token: str) -> list[Notice]:
        """See `NoticeBoard.of`."""
        with self._changed:
            return list(self._by_token.get(token, ()))

    def is_posted(self, request_id: str) -> bool:
        """See `NoticeBoard.is_posted`."""
        with self._changed:
            return request_id in self._posted or request_id in self._settled

    def settle(self, request_id: str) -> None:
        """See `NoticeBoard.settle`."""
        with self._changed:
            self._settled.add(request_id)

    def marker(self) -> str:
        """See `NoticeBoard.marker`."""
        with self._changed:
            return str(len(self._posted))

    def news(self, marker: str, within_s: float) -> tuple[str, list[str]]:
        """See `NoticeBoard.news`."""
        start = int(marker)
        with self._changed:
            self._changed.wait_for(lambda: len(self._posted) > start, within_s)
            return str(len(self._posted)), self._posted[start:]
