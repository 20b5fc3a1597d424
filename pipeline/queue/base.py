"""JobQueue: how jobs reach workers. At least once, in no promised order; it may lose messages (docs/celery.md)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from pipeline.models import Job


class JobQueue(ABC):
    """Raises `ServiceUnavailableError` when the broker does not answer; sending again is safe."""

    @abstractmethod
    def put(self, jobs: Sequence[Job]) -> None:
        """Sends one message per job."""

    @abstractmethod
    def depth(self) -> int:
        """How many messages wait, not counting those that a worker holds."""
