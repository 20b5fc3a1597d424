"""Permits, rate and budget: the limits that hold over all workers of one fal account.

All of them are liveness, not safety (I3): when Redis is wiped, permits and rate start afresh, a budget is unknown until
a dispatcher opens it again out of S3, and intents in S3 still prevent a second bill. Implementations: Redis (Lua, one
atomic step each) and memory (unit tests, one-shot commands).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass

COOL_DOWN_S = 1.0
"""The limit in force is halved at most this often.

One wave of refusals is one sign: the submissions that were on their way together are answered within about a second.
"""


@dataclass(frozen=True, slots=True)
class PermitUse:
    """How many permits are held now, how many there are now, and how many there are when fal copes."""

    held: int
    limit: int
    """In force at this moment; below the ceiling while it grows back after a `slow_down`."""
    ceiling: int


class Permits(ABC):
    """A leased counting semaphore: the right to have one request in flight at fal, account-wide.

    A permit is taken under the name of a job's lease, so that only its holder can give it back; once fal has accepted
    the request, it is adopted under the request's own name, so that it moves with the job. A permit whose lease ran
    out is free again, unless it is a request's: that one goes on at fal whoever has died here, and counts until it
    is released. After a wipe no permit is given for a moment (`limits.regather_s`), in which all workers tell again
    what is in flight. All methods are atomic and raise `ServiceUnavailableError` when the server does not answer.
    """

    @abstractmethod
    def try_acquire(self, name: str) -> bool:
        """Takes a permit under this name when one is free; True at once when there is one already (renewed)."""

    @abstractmethod
    def adopt(self, name: str, request: str | None = None) -> None:
        """Counts what is in flight already, even beyond the limit.

        `request` describes the request for `abandoned`; without it the permit is as one that was acquired.
        """

    @abstractmethod
    def abandoned(self) -> Mapping[str, str]:
        """Requests that still count though their holder's lease ran out; whoever finds one over releases it."""

    @abstractmethod
    def renew(self, names: Collection[str]) -> set[str]:
        """Extends those leases in one step; returns the names whose permit was lost meanwhile."""

    @abstractmethod
    def release(self, name: str) -> None:
        """Gives a permit back; no error when it is not held."""

    @abstractmethod
    def slow_down(self, pause_s: float) -> None:
        """Makes all workers gentler: fal answered a submission with 429 or 5xx.

        The limit in force falls to half, and to no less than 1, at most once per cool-down. For `pause_s` no new permit
        is given (0: no pause). After the pause the limit grows back by itself, evenly, within about ten seconds.
        Permits that are held stay held.
        """

    @abstractmethod
    def set_ceiling(self, limit: int | None) -> None:
        """Sets the limit of all workers at once, until it is set again; None returns to what their settings say.

        Raises `ConfigurationError` for less than 1.
        """

    @abstractmethod
    def use(self) -> PermitUse:
        """How many are held, the limit in force and its ceiling."""


class Rate(ABC):
    """A rate limit (GCRA): a steady rate with a burst allowance."""

    @abstractmethod
    def reserve(self, max_wait_s: float) -> float | None:
        """Books the next free moment and returns how long to wait for it, in seconds.

        Returns None, and books nothing, when that moment is further away than `max_wait_s`.
        """


@dataclass(frozen=True, slots=True)
class Amount:
    """What a request uses of a budget. Neither number is negative."""

    cost_usd: float = 0.0
    audio_s: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.cost_usd < math.inf and 0 <= self.audio_s < math.inf):
            raise ValueError(f"no amount of a budget: {self.cost_usd} USD, {self.audio_s} s")


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a run may use at most; None means without limit."""

    cost_usd: float | None = None
    audio_s: float | None = None


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """How far a budget is used. `spent` is settled; `reserved` is what requests that are under way may cost."""

    ceiling: Ceiling
    spent: Amount
    reserved: Amount
    is_reached: bool
    """A reservation was refused since the budget was opened, or its ceiling raised."""


class Budget(ABC):
    """What the runs may use, in US dollars and in audio. Spent and reserved together never exceed the ceiling.

    Two things may exceed it, and then nothing more is granted: a request that turned out to cost more than was
    reserved for it, and what `open` is told. Amounts are kept as whole micro-dollars and milliseconds and rounded
    up; the ceiling is rounded down. All methods are atomic and raise `ServiceUnavailableError` when the backing server
    does not answer; repeating any of them does no harm.
    """

    @abstractmethod
    def open(self, run_id: str, ceiling: Ceiling, *, spent: Amount, reserved: Mapping[str, Amount]) -> None:
        """Begins a run's budget (dispatcher) with what S3 tells of it: spent by rows, reserved (by job id) by intents.

        It replaces what was there, under a new epoch, so that reservations which S3 does not know are void. A budget
        that the server still knows is better continued by `raise_ceiling`: a request whose intent was written after
        the caller looked, and which was validated before this call, would not be counted.
        """

    @abstractmethod
    def raise_ceiling(self, run_id: str, ceiling: Ceiling) -> bool:
        """Continues a budget under another ceiling, with all that is spent and reserved; it is not reached any more.

        False when the server knows no budget of this run.
        """

    @abstractmethod
    def use(self, run_id: str) -> BudgetUse | None:
        """How far it is used; None when the server knows no budget of this run (never opened, or wiped)."""

    @abstractmethod
    def reserve(self, run_id: str, job_id: str, amount: Amount) -> str:
        """Sets an amount aside for a job's request, before it is submitted; returns a ticket.

        A job has one reservation, for it is billed once: who reserves for it again shares it (the larger amount counts)
        under a ticket of its own. Raises `BudgetReachedError` when it does not fit, and from then on for every job
        until `open` or `raise_ceiling`; what the job had reserved before stays.
        Raises `ServiceUnavailableError` (reason `budget_unknown`) when the server knows no budget of the run.
        """

    @abstractmethod
    def is_valid(self, run_id: str, job_id: str, ticket: str) -> bool:
        """Whether the reservation still stands under this ticket; asked right before the paid POST."""

    @abstractmethod
    def withdraw(self, run_id: str, job_id: str, ticket: str) -> None:
        """Gives one ticket back, for nothing was sent under it; the reservation goes with the last one."""

    @abstractmethod
    def settle(self, run_id: str, job_id: str, amount: Amount) -> None:
        """Replaces a job's reservation by what it really used; `Amount()` when nothing was billed.

        Does nothing when the job has no reservation: a repeat, or a run whose budget is unknown.
        """

    @abstractmethod
    def close(self, run_id: str) -> None:
        """Forgets a run's budget; no error when there is none."""
