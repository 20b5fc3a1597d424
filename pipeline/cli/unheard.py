"""Output that nobody reads any more: no reason to leave work undone, or to end with 0 when it was not done."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def heard_or_not() -> Iterator[None]:
    """Says what is said in it; where the reader of a pipe has gone, that goes nowhere, and so does all after it."""
    try:
        yield
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):
            _let_go_when_closed(stream)


def _let_go_when_closed(stream: TextIO) -> None:
    try:
        stream.flush()
    except BrokenPipeError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
