"""A dispatcher's sign of life, beside its work: S3 may be away for minutes, and a large manifest takes as long."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pipeline.errors import ServiceUnavailableError
from pipeline.runs.base import Runs, RunTicket

_BEATS_PER_LEASE = 3  # one that Redis does not answer in time loses nothing


@contextmanager
def heartbeat(runs: Runs, ticket: RunTicket, *, lease_s: float) -> Iterator[None]:
    """Beats while this lasts. That another dispatcher has taken the run, the run's own look at it finds out."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(lease_s / _BEATS_PER_LEASE):
            with suppress(ServiceUnavailableError):  # whoever works waits for it, and says so
                runs.beat(ticket)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()  # or its last beat would come after the run was given back
