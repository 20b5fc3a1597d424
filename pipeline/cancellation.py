"""A cancellation token: how a worker that is told to stop wakes everything that waits.

Waiting for a permit, for the rate limit or for fal goes through a token, so that hundreds of waiting slots end
within a second. The paid POST does not: it is short, and cutting it would make its outcome unknowable.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Cancelled(Exception):  # noqa: N818  a control flow signal like asyncio's, not an error of the tree
    """The wait was ended because the process is stopping; the job must be handed back."""


class CancellationToken:
    """Set once, from any thread or signal handler; every wait through it then raises `Cancelled`.

    `interrupt` ends the waits of this moment only, for a run that must stop in a process that goes on.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._next = 0

    @property
    def is_cancelled(self) -> bool:
        """Whether the token has been set."""
        return self._event.is_set()

    def cancel(self) -> None:
        """Sets the token and wakes all waits. Idempotent."""
        self._event.set()
        self.interrupt()

    def interrupt(self) -> None:
        """Wakes all waits of this moment, which raise `Cancelled`; later waits are not touched."""
        with self._lock:
            callbacks = list(self._callbacks.values())
            self._callbacks.clear()
        for callback in callbacks:
            callback()

    def raise_if_cancelled(self) -> None:
        """Raises `Cancelled` when the token is set."""
        if self._event.is_set():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Sleeps that long, or raises `Cancelled` as soon as the token is set or interrupted."""
        woken = threading.Event()
        forget = self.on_cancel(woken.set)
        try:
            if woken.wait(max(0.0, seconds)):
                raise Cancelled
        finally:
            forget()

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls `callback` once on cancellation or interruption (at once when already set).

        Returns a function that forgets it.
        """
        with self._lock:
            if not self._event.is_set():
                number = self._next
                self._next += 1
                self._callbacks[number] = callback
                return lambda: self._forget(number)
        callback()
        return lambda: None

    def _forget(self, number: int) -> None:
        with self._lock:
            self._callbacks.pop(number, None)
