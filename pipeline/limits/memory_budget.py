"""The budget in memory, for one process: unit tests and the one-shot command. Thread-safe."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.limits.amounts import Whole, WholeCeiling, budget_reached, budget_unknown, rounded_down, rounded_up
from pipeline.limits.base import Amount, Budget, BudgetUse, Ceiling


@dataclass(slots=True)
class _Book:
    """One run's budget."""

    ceiling: WholeCeiling
    spent: Whole
    reserved: dict[str, Whole]
    tickets: dict[str, set[str]] = field(default_factory=dict)
    """Of those who share a job's reservation; `open` gives one that nobody holds."""
    is_reached: bool = False

    def use(self) -> BudgetUse:
        return BudgetUse(
            self.ceiling.ceiling(), self.spent.amount(), _total(*self.reserved.values()).amount(), self.is_reached
        )

    def fits(self, job_id: str, wanted: Whole) -> bool:
        others = [amount for other, amount in self.reserved.items() if other != job_id]
        used = _total(self.spent, wanted, *others)
        return all(most is None or number <= most for number, most in zip(used, self.ceiling, strict=True))


class MemoryBudget(Budget):
    """The budgets of all runs as a dictionary."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._books: dict[str, _Book] = {}

    def open(self, run_id: str, ceiling: Ceiling, *, spent: Amount, reserved: Mapping[str, Amount]) -> None:
        """See `Budget.open`."""
        amounts = {job_id: rounded_up(amount) for job_id, amount in reserved.items()}
        with self._lock:
            tickets = {job_id: {"adopted"} for job_id in amounts}
            self._books[run_id] = _Book(rounded_down(ceiling), rounded_up(spent), amounts, tickets)

    def raise_ceiling(self, run_id: str, ceiling: Ceiling) -> bool:
        """See `Budget.raise_ceiling`."""
        with self._lock:
            if book := self._books.get(run_id):
                book.ceiling, book.is_reached = rounded_down(ceiling), False
            return book is not None

    def use(self, run_id: str) -> BudgetUse | None:
        """See `Budget.use`."""
        with self._lock:
            book = self._books.get(run_id)
            return None if book is None else book.use()

    def reserve(self, run_id: str, job_id: str, amount: Amount) -> str:
        """See `Budget.reserve`."""
        with self._lock:
            book = self._books.get(run_id)
            if book is None:
                raise budget_unknown(run_id)
            wanted = Whole(*map(max, rounded_up(amount), book.reserved.get(job_id, Whole(0, 0))))
            if book.is_reached or not book.fits(job_id, wanted):
                book.is_reached = True
                raise budget_reached(run_id, book.use(), amount)
            book.reserved[job_id] = wanted
            ticket = uuid.uuid4().hex
            book.tickets.setdefault(job_id, set()).add(ticket)
            return ticket

    def is_valid(self, run_id: str, job_id: str, ticket: str) -> bool:
        """See `Budget.is_valid`."""
        with self._lock:
            book = self._books.get(run_id)
            return book is not None and ticket in book.tickets.get(job_id, ())

    def withdraw(self, run_id: str, job_id: str, ticket: str) -> None:
        """See `Budget.withdraw`."""
        with self._lock:
            if self.is_valid(run_id, job_id, ticket):
                shared = self._books[run_id].tickets[job_id]
                shared.discard(ticket)
                if not shared:
                    self.settle(run_id, job_id, Amount())

    def settle(self, run_id: str, job_id: str, amount: Amount) -> None:
        """See `Budget.settle`."""
        with self._lock:
            book = self._books.get(run_id)
            if book:
                book.tickets.pop(job_id, None)
            if book and book.reserved.pop(job_id, None) is not None:
                book.spent = _total(book.spent, rounded_up(amount))

    def close(self, run_id: str) -> None:
        """See `Budget.close`."""
        with self._lock:
            self._books.pop(run_id, None)


def _total(*amounts: Whole) -> Whole:
    return Whole(sum(amount.micro_usd for amount in amounts), sum(amount.audio_ms for amount in amounts))
