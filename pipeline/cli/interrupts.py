"""SIGINT and SIGTERM: the first ends a command in order, the second at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pipeline.cancellation import CancellationToken


@contextmanager
def interrupts(cancel: CancellationToken) -> Iterator[None]:
    """The first signal sets the token; the second raises `KeyboardInterrupt`, as the user then wishes."""
    signals = 0

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            raise KeyboardInterrupt
        # From another thread: the main thread may be inside the token's own lock when the signal arrives.
        threading.Thread(target=cancel.cancel, daemon=True).start()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
