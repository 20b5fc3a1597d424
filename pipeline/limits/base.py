"""Permits and rate: the two limits that hold over all workers of one fal account.

Both are liveness, not safety (I3): when Redis is wiped they start afresh, and intents in S3 still prevent a
second bill. Implementations: `redis` (Lua, one atomic step each) and `memory` (unit tests, one-shot commands).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PermitUse:
    """How many permits are held now, and how many there are."""

    held: int
    limit: int


class Permits(ABC):
    """A leased counting semaphore: the right to have one request in flight at fal, account-wide.

    A permit belongs to a job (its id), so that a job that moves to another worker keeps one permit. A permit
    whose lease ran out is free again. All methods are atomic and raise `ServiceUnavailableError` when the
    backing server does not answer.
    """

    @abstractmethod
    def try_acquire(self, job_id: str) -> bool:
        """Takes a permit for the job when one is free; True at once when the job holds one already (renewed)."""

    @abstractmethod
    def adopt(self, job_id: str) -> None:
        """Counts a request that is in flight already, even beyond the limit: a job resumed by another worker."""

    @abstractmethod
    def renew(self, job_ids: Collection[str]) -> set[str]:
        """Extends the leases of those jobs in one step; returns the ids whose permit was lost meanwhile."""

    @abstractmethod
    def release(self, job_id: str) -> None:
        """Gives a permit back; no error when it is not held."""

    @abstractmethod
    def use(self) -> PermitUse:
        """How many are held, and the limit in force."""


class Rate(ABC):
    """A rate limit (GCRA): a steady rate with a burst allowance."""

    @abstractmethod
    def reserve(self, max_wait_s: float) -> float | None:
        """Books the next free moment and returns how long to wait for it, in seconds.

        Returns None, and books nothing, when that moment is further away than `max_wait_s`.
        """
