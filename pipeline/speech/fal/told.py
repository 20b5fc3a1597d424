"""A bell between threads and the loop: whoever waits on the loop sleeps, and any thread may wake it early."""

from __future__ import annotations

import asyncio
import threading


class Told:
    """One wait's bell. `tell` may come before the first sleep or between two: then the next sleep ends at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_told = False
        self._sleeper: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    def tell(self) -> None:
        """Wakes the sleeper; from any thread."""
        with self._lock:
            self._is_told = True
            if self._sleeper is not None:
                # Under the lock, so that the sleeper is still there and its loop runs.
                loop, woken = self._sleeper
                loop.call_soon_threadsafe(woken.set)

    async def sleep(self, seconds: float) -> bool:
        """Sleeps that long; True when it was ended early, or told since the last sleep."""
        woken = asyncio.Event()
        with self._lock:
            if not self._is_told:
                self._sleeper = asyncio.get_running_loop(), woken
        try:
            if self._sleeper is not None:
                async with asyncio.timeout(seconds):
                    await woken.wait()
        except TimeoutError:
            pass
        finally:
            with self._lock:
                self._sleeper = None
                was_told, self._is_told = self._is_told, False
        return was_told
