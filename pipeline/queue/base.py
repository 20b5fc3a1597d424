"""JobQueue: how jobs reach workers. At least once, in no promised order; it may lose messages (docs/celery.md)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.models import Job


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in the queue."""

    jobs: int
    oldest_sent_epoch_s: float | None = None
    """When the message that comes next was sent, since 1970, by its sender's clock. None: it does not tell."""


class QueueWatch(ABC):
    """A look at the queue by who neither sends nor takes. Raises `ServiceUnavailableError`, soon."""

    @abstractmethod
    def look(self) -> Waiting:
        """What waits now. Costs the same for one message and for a million."""


class JobQueue(ABC):
    """Raises `ServiceUnavailableError` when the broker does not answer; sending again is safe."""

    @abstractmethod
    def put(self, jobs: Sequence[Job]) -> None:
        """Sends one message per job."""

    @abstractmethod
    def depth(self) -> int:
        """How many messages wait, not counting those that a worker holds."""
