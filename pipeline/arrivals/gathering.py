"""What was told since the last run: per key the newest event, and the messages that told it. Pure.

Events come late, twice and out of order. That costs nothing: whatever is gathered here, the plan looks at each object
itself, and an object that is current is not paid for again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pipeline.arrivals.base import Message
from pipeline.arrivals.decoding import Event, Happened, is_newer


@dataclass
class Batch:
    """Grows by messages until it is full. `concerns` tells whether an object is one that is transcribed here."""

    concerns: Callable[[Event], bool]
    size: int
    """So many messages fill it, or so many keys; what is received at once may exceed it by ten messages."""
    receipts: dict[str, str] = field(default_factory=dict)
    """By message id: what is deleted once the batch is done."""
    _newest: dict[str, Event] = field(default_factory=dict)

    def add(self, message: Message, events: Iterable[Event]) -> bool:
        """Takes in a message with its events; False when none of them is to be heeded here."""
        heeded = [event for event in events if self._counts(event)]
        for event in heeded:
            before = self._newest.get(event.key)
            if before is None or is_newer(event, before):
                self._newest[event.key] = event
        if heeded:
            self.receipts[message.message_id] = message.receipt  # of a repeat only the last receipt is sure to count
        return bool(heeded)

    def _counts(self, event: Event) -> bool:
        return event.happened is not Happened.OTHER and self.concerns(event)

    @property
    def keys(self) -> list[str]:
        """Objects that were created, and not removed since, in key order."""
        return sorted(key for key, event in self._newest.items() if event.happened is Happened.CREATED)

    @property
    def is_full(self) -> bool:
        """Whether its run should begin at once."""
        return max(len(self.receipts), len(self._newest)) >= self.size
