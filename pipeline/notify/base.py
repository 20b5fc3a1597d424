"""Notifier: who is told how a run ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

from pipeline import logs
from pipeline.models import Ending, RunEnd


class Notifier(ABC):
    """Tells somebody of the end of a run, within a bounded time."""

    @abstractmethod
    def tell(self, end: RunEnd) -> str | None:
        """None when it was told; else a sentence for people: what went wrong and what to do. Never raises.

        The sentence is free of secrets; a webhook's URL is one.
        """


class Notifiers(Notifier):
    """All who are to hear of certain endings; nobody is a valid number of them."""

    def __init__(self, notifiers: Sequence[Notifier], endings: Collection[Ending]) -> None:
        self._notifiers = notifiers
        self._endings = endings

    def tell(self, end: RunEnd) -> str | None:
        """Tells each, whatever becomes of the others; the sentences of those who could not, as one text."""
        if end.ending not in self._endings:
            return None
        return " ".join(filter(None, (_told(notifier, end) for notifier in self._notifiers))) or None


def _told(notifier: Notifier, end: RunEnd) -> str | None:
    try:
        return notifier.tell(end)
    except Exception as error:  # noqa: BLE001  the night is over and paid for: a fault of its messenger must not fail it
        # Its text may hold the webhook's URL, so neither message nor traceback is logged.
        logs.get_logger().error("notifier_failed_by_our_fault", error=type(error).__name__)
        return f"Nobody was told of the end: {type(notifier).__name__} itself failed ({type(error).__name__})."
