"""Notices: what fal's verified webhooks have told, and how the jobs that wait for it in this process learn of it.

Liveness only (I3). A notice ends no wait: it makes the next look come at once, and that look decides. The one thing
that it can bring is the id of a request whose reply was lost, and that is believed only when fal confirms the request
under our own key (docs/adr/0013). Losing all of them costs the time until the next poll.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import AwareDatetime, BaseModel, ConfigDict

from pipeline import logs
from pipeline.errors import NightscribeError, ServiceUnavailableError

_AGAIN_S = 1.0
_NEWS_WITHIN_S = 0.5  # one blocking read, which must end before the connection is closed under it
_CLOSE_WITHIN_S = 5.0


class Notice(BaseModel):
    """A request has ended, says fal. Whether it went well the queue tells."""

    model_config = ConfigDict(frozen=True)

    token: str
    """The last part of the address that fal called: that of one attempt of one job."""
    request_id: str
    status: str
    at: AwareDatetime


class NoticeBoard(ABC):
    """Where the receiver posts and workers read. Raises `ServiceUnavailableError`."""

    @abstractmethod
    def post(self, notice: Notice) -> bool:
        """Notes it and tells all workers; False for a request that is noted already, under whatever token."""

    @abstractmethod
    def of(self, token: str) -> list[Notice]:
        """What came under this token, oldest first: one request, unless somebody has learned the token."""

    @abstractmethod
    def is_posted(self, request_id: str) -> bool:
        """Whether the request is known to have ended."""

    @abstractmethod
    def settle(self, request_id: str) -> None:
        """The job has its row: what is noted of its request is only needed to recognise repeats for a while."""

    @abstractmethod
    def marker(self) -> str:
        """A place in the news: what is posted after this call is after it."""

    @abstractmethod
    def news(self, marker: str, within_s: float) -> tuple[str, list[str]]:
        """The ids of requests that were posted after the marker, as soon as there are any; and the next marker."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How one waiting slot is told; two slots may wait for one request, after a lease has changed hands."""

    request_id: str
    tell: Callable[[], None]


class Notices:
    """The board as a worker process uses it. One thread listens, from the first wait on. Thread-safe."""

    def __init__(self, board: NoticeBoard) -> None:
        self.board = board
        self._lock = threading.Lock()
        self._waiting: dict[int, Heard] = {}
        self._next = 0
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def on_notice(self, request_id: str, tell: Callable[[], None]) -> Callable[[], None]:
        """Calls `tell` when a notice of the request comes, from another thread, or at once when it is there.

        Returns a function that forgets it. A server that is away delays it, and raises nothing.
        """
        with self._lock:
            number = self._next
            self._next += 1
            self._waiting[number] = Heard(request_id, tell)
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="notices", daemon=True)
                self._thread.start()
        # After it was put down: what is posted from here on is heard, and what was posted before is seen.
        try:
            if self.board.is_posted(request_id):
                tell()
        except ServiceUnavailableError:
            pass  # once the thread gets through, it looks for all that wait
        return lambda: self._forget(number)

    def close(self) -> None:
        """Ends the listening; what still waits is not told any more. Before the board's client is closed."""
        self._closed.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(_CLOSE_WITHIN_S)

    def _forget(self, number: int) -> None:
        with self._lock:
            self._waiting.pop(number, None)

    def _heard(self) -> list[Heard]:
        with self._lock:
            return list(self._waiting.values())

    def _tell(self, request_ids: Iterable[str]) -> None:
        told = frozenset(request_ids)
        for heard in self._heard():
            if heard.request_id in told:
                heard.tell()

    def _listen(self) -> None:
        marker: str | None = None
        is_away = False
        while not self._closed.is_set():
            try:
                if marker is None:
                    marker = self.board.marker()
                    ids = {heard.request_id for heard in self._heard()}
                    self._tell(request_id for request_id in ids if self.board.is_posted(request_id))
                marker, told = self.board.news(marker, _NEWS_WITHIN_S)
                is_away = False
                self._tell(told)
            except NightscribeError as error:
                if not is_away and not self._closed.is_set():
                    logs.get_logger().warning("notices_not_heard", message=error.message)
                # The marker stays: what is posted meanwhile is read when the server is back.
                is_away = True
                self._closed.wait(_AGAIN_S)
            except Exception:  # noqa: BLE001  without this thread a worker would hear nothing any more, unseen
                logs.get_logger().exception("notices_failed_by_our_fault")
                self._closed.wait(_AGAIN_S)
