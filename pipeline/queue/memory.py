"""A job queue in a list: for unit tests."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.models import Job
from pipeline.queue.base import JobQueue


class MemoryQueue(JobQueue):
    """Keeps what was put in `jobs` until a test takes it out; remembers the deepest it ever was."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.deepest = 0

    def put(self, jobs: Sequence[Job]) -> None:
        """See `JobQueue.put`."""
        self.jobs.extend(jobs)
        self.deepest = max(self.deepest, len(self.jobs))

    def depth(self) -> int:
        """See `JobQueue.depth`."""
        return len(self.jobs)
