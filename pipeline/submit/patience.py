"""Waiting for a service: one that restarts must not end a run of hours."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from pipeline.cancellation import CancellationToken
from pipeline.errors import ServiceUnavailableError
from pipeline.submit.events import Event, Notice

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Patience:
    """Repeats a call that may be repeated, for at most `for_s`."""

    for_s: float
    again_s: float
    cancel: CancellationToken
    clock: Callable[[], float]

    def ask(self, call: Callable[[], Answer]) -> Generator[Event, None, Answer]:
        """The answer, as soon as there is one. Says once that it is waited for.

        Raises `ServiceUnavailableError` when there is none for too long, and `Cancelled`.
        """
        since: float | None = None
        while True:
            try:
                return call()
            except ServiceUnavailableError as error:
                now = self.clock()
                if since is None:
                    since = now
                    yield Notice(f"{error.message} Waiting for it, {self.for_s:g} s at most; nothing is lost.")
                if now - since >= self.for_s:
                    raise ServiceUnavailableError(
                        f"{error.message} It has been away for {now - since:.0f} s (run.patience_s). When it is "
                        "back, run the same command again: it goes on where it stopped.",
                        error.reason,
                    ) from error
            self.cancel.sleep(self.again_s)
