"""One asyncio loop on a thread of its own, on which hundreds of waiting slots share their HTTP.

A slot's thread blocks on a Future and costs nothing meanwhile (docs/adr/0002). Knows nothing of fal.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from pipeline.cancellation import CancellationToken, Cancelled

T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads. The thread starts with the first `run`; `on_close` is awaited last."""

    def __init__(self, on_close: Callable[[], Awaitable[None]]) -> None:
        self._on_close = on_close
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop = asyncio.Event()
        self._closed = False

    def run(self, coroutine: Coroutine[Any, Any, T], cancel: CancellationToken | None = None) -> T:
        """Blocks until the coroutine returns, and gives its result or exception.

        Setting `cancel` ends the coroutine and raises `Cancelled` at once; so does `close`.
        """
        with self._lock:
            if self._closed or (cancel is not None and cancel.is_cancelled):
                coroutine.close()
                raise Cancelled
            # Under the lock: what is scheduled here is ahead of the stop that `close` schedules, so that no
            # coroutine is left behind on a dead loop with its caller waiting for ever.
            try:
                loop = self._started()
            except BaseException:
                coroutine.close()
                raise
            future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        forget = cancel.on_cancel(lambda: void(future.cancel())) if cancel is not None else lambda: None
        try:
            return future.result()
        except CancelledError:
            raise Cancelled from None
        finally:
            forget()
            future.cancel()  # no-op when done; ends the coroutine when this thread was interrupted

    def close(self) -> None:
        """Cancels what still runs, awaits `on_close` and joins the thread. Idempotent."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
            if loop is not None:
                loop.call_soon_threadsafe(self._stop.set)
        if thread is not None:
            thread.join()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._serve, args=(loop,), name="fal-loop", daemon=True)
            self._thread.start()
            self._loop = loop
        return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        await self._stop.wait()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._on_close()


def void(_: object) -> None:
    """Drops a result, for callbacks that must return nothing."""
