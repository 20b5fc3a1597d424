"""Loading modules by the hundred, for which Python's way of looking for garbage was not made."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """What is made within this stays, and Python never looks through it for garbage: that takes long and finds none."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
