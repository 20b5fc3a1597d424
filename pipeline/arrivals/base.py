"""An inbox of messages: what listening needs of a queue (SQS), where a message that is not deleted comes back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One delivery of a message. A repeat has the same `message_id`, and a `receipt` of its own."""

    message_id: str
    receipt: str
    """What this delivery is deleted or held by."""
    body: str


class Inbox(ABC):
    """Delivers each message at least once, in any order; safe to share between threads.

    Raises `ServiceUnavailableError` when the queue does not answer, and `ConfigurationError` for a queue that is not
    there or refuses.
    """

    @abstractmethod
    def receive(self, wait_s: int) -> list[Message]:
        """Up to ten messages, as soon as there is one; none after `wait_s` (0 to 20). Others do not see them then."""

    @abstractmethod
    def hold(self, receipts: Collection[str], for_s: int) -> int:
        """Keeps these from others for that long from now on; 0 gives them back at once.

        Returns how many the queue did not let be held: they are gone, or about to be delivered again.
        """

    @abstractmethod
    def delete(self, receipts: Collection[str]) -> None:
        """Deletes messages for good; those that are gone already are no error."""

    @abstractmethod
    def close(self) -> None:
        """Closes connections."""
