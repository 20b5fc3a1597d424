"""Keeps messages while their run lasts: a thread renews them, so that nobody else gets them, and a crash frees them."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

from pipeline import logs
from pipeline.arrivals.base import Inbox
from pipeline.errors import NightscribeError

_RENEWALS_PER_TERM = 3  # two may be lost before a message comes back
_END_WITHIN_S = 5.0  # a renewal under way when the listener ends is not waited for any longer


class Held:
    """The messages that this process works on, while its context lasts. What is left at its end goes back at once."""

    def __init__(self, inbox: Inbox, visibility_s: int) -> None:
        self._inbox = inbox
        self._visibility_s = visibility_s
        self._lock = threading.Lock()
        self._receipts: dict[str, str] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew_until_ended, name="hold", daemon=True)

    def keep(self, receipts: Mapping[str, str]) -> None:
        """From now on these (message id to receipt) are held."""
        with self._lock:
            self._receipts |= receipts

    def finish(self, receipts: Mapping[str, str]) -> None:
        """Deletes these for good. Raises what `Inbox.delete` raises; they are held on then."""
        with self._lock:
            newest = {name: self._receipts.get(name, receipt) for name, receipt in receipts.items()}
        self._inbox.delete(list(newest.values()))
        with self._lock:
            for name in newest:
                self._receipts.pop(name, None)

    def renew(self) -> None:
        """Holds all of them once more. That it fails costs a repeat, never money."""
        with self._lock:
            receipts = list(self._receipts.values())
        if not receipts:
            return
        try:
            lost = self._inbox.hold(receipts, self._visibility_s)
        except NightscribeError as error:
            logs.get_logger().warning("messages_not_held", messages=len(receipts), message=error.message)
            return
        if lost:
            # SQS lets a message be held for twelve hours in all; and a repeat makes an older receipt worthless.
            logs.get_logger().warning("messages_not_held", messages=lost, message="They will come again.")

    def _renew_until_ended(self) -> None:
        while not self._ended.wait(self._visibility_s / _RENEWALS_PER_TERM):
            try:
                self.renew()
            except Exception:  # noqa: BLE001  without this thread the messages of a long run would all come back
                logs.get_logger().exception("messages_not_held_by_our_fault")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(_END_WITHIN_S)
        with suppress(NightscribeError):  # they come back by themselves, a little later
            if self._receipts:
                self._inbox.hold(list(self._receipts.values()), 0)
