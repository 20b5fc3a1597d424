"""The queue: FIFO per account, a limit on what is in progress, deadlines, cancellation (docs/fal.md sections 3, 12).

Knows nothing of HTTP nor of speech: what processing means is handed in. Runs on one event loop, without locks.
"""

import asyncio
import bisect
import itertools
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

from emulator.fal import outcomes
from emulator.fal.ledger import Ledger
from emulator.fal.request import FalRequest, Outcome, State

CancelAnswer = Literal["OK", "CANCELLATION_REQUESTED", "ALREADY_COMPLETED"]


class BackToQueueError(Exception):
    """Raised by processing: the runner was lost, and fal puts the request back (docs/fal.md section 6)."""

    def __init__(self, pause_s: float) -> None:
        super().__init__(pause_s)
        self.pause_s = pause_s


class FullError(Exception):
    """As many requests are in progress as the account may have; what is called directly does not wait."""


@dataclass(eq=False)
class Account:
    """One key's share of the queue, and the highest load it ever had."""

    waiting: list[int] = field(default_factory=list)
    """Tickets in order; a list, for its position lookup is a bisection."""
    in_progress: int = 0
    in_flight: int = 0
    """Accepted and not completed."""
    max_in_progress: int = 0
    max_in_flight: int = 0


class FalQueue:
    """Accepts requests and brings each to COMPLETED."""

    def __init__(
        self,
        concurrency: int,
        process: Callable[[FalRequest], Awaitable[Outcome]],
        ledger: Ledger,
        on_end: Callable[[FalRequest], None] = lambda _: None,
    ) -> None:
        """`on_end` is told of every request that has completed."""
        self._concurrency = concurrency
        self._on_end = on_end
        self._process = process
        self._ledger = ledger
        self._tickets = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clear()

    def _clear(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.by_id: dict[str, FalRequest] = {}
        self._by_ticket: dict[int, FalRequest] = {}

    @property
    def waiting(self) -> int:
        """Requests of all accounts that wait for their start."""
        return sum(len(account.waiting) for account in self.accounts.values())

    def position(self, request: FalRequest) -> int:
        """How many requests of the same account are ahead, from 0."""
        return bisect.bisect_left(self._account(request).waiting, request.ticket)

    def submit(self, request: FalRequest) -> None:
        """Takes a request. It is processed, and billed, whatever becomes of the caller."""
        account = self._accept(request)
        self._by_ticket[request.ticket] = request
        if request.start_timeout_s is not None:
            asyncio.get_running_loop().call_later(request.start_timeout_s, self._expire, request)
        account.waiting.append(request.ticket)
        # Not started within this call: the answer to a submit says IN_QUEUE, even when nothing is ahead.
        asyncio.get_running_loop().call_soon(self._start_ready, account)

    async def run(self, request: FalRequest) -> None:
        """Processes a request at once, past the queue, and without fal's own retries. Raises FullError.

        It goes on, and is billed, when the caller no longer waits (docs/fal.md section 9).
        """
        account = self._account(request)
        if account.in_progress >= self._concurrency:
            raise FullError
        self._accept(request)
        await asyncio.shield(self._begin(request, account, self._run_once(request, account)))

    def cancel(self, request: FalRequest) -> CancelAnswer:
        """Removes a waiting request. One in progress goes on: whisper has no handler for the signal."""
        if request.state is State.COMPLETED:
            return "ALREADY_COMPLETED"
        if request.state is State.IN_PROGRESS:
            return "CANCELLATION_REQUESTED"
        self._remove_waiting(request)
        self._finish(request, outcomes.cancelled())
        return "OK"

    def reset(self) -> None:
        """Forgets every request, also those in progress, without billing them."""
        for task in self._tasks:
            task.cancel()
        self._clear()

    def _accept(self, request: FalRequest) -> Account:
        request.ticket = next(self._tickets)
        self.by_id[request.request_id] = request
        account = self._account(request)
        account.in_flight += 1
        account.max_in_flight = max(account.max_in_flight, account.in_flight)
        self._ledger.accept(request)
        return account

    def _account(self, request: FalRequest) -> Account:
        return self.accounts.setdefault(request.owner, Account())

    def _start_ready(self, account: Account) -> None:
        while account.waiting and account.in_progress < self._concurrency:
            request = self._by_ticket.get(account.waiting.pop(0))
            if request is None:  # A reset has come between.
                continue
            self._begin(request, account, self._run(request, account))

    def _begin(self, request: FalRequest, account: Account, run: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        request.state = State.IN_PROGRESS
        request.started_at = time.time()
        account.in_progress += 1
        account.max_in_progress = max(account.max_in_progress, account.in_progress)
        task = asyncio.get_running_loop().create_task(run)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run_once(self, request: FalRequest, account: Account) -> None:
        try:
            outcome = await self._process(request)
        except BackToQueueError:
            outcome = outcomes.request_error("runner_disconnected", "The runner was lost", 503)
        account.in_progress -= 1
        self._finish(request, outcome)
        self._start_ready(account)

    async def _run(self, request: FalRequest, account: Account) -> None:
        try:
            outcome = await self._process(request)
        except BackToQueueError as lost:
            await self._requeue(request, account, lost.pause_s)
            return
        account.in_progress -= 1
        self._finish(request, outcome)
        self._start_ready(account)

    async def _requeue(self, request: FalRequest, account: Account, pause_s: float) -> None:
        request.state = State.IN_QUEUE
        request.started_at = None
        account.in_progress -= 1
        self._start_ready(account)
        await asyncio.sleep(pause_s)  # A state that nobody can see would test nothing.
        if request.state is State.IN_QUEUE:
            bisect.insort(account.waiting, request.ticket)
            # One absolute deadline over all starts: it may have passed while the first runner had the request.
            if request.start_timeout_s is not None and time.time() >= request.sent_at + request.start_timeout_s:
                self._expire(request)
            self._start_ready(account)

    def _expire(self, request: FalRequest) -> None:
        if request.state is State.IN_QUEUE and self.by_id.get(request.request_id) is request:
            self._remove_waiting(request)
            self._finish(request, outcomes.start_timeout())

    def _remove_waiting(self, request: FalRequest) -> None:
        waiting = self._account(request).waiting
        at = bisect.bisect_left(waiting, request.ticket)
        if at < len(waiting) and waiting[at] == request.ticket:
            del waiting[at]

    def _finish(self, request: FalRequest, outcome: Outcome) -> None:
        request.outcome = outcome
        request.ended_at = time.time()
        request.state = State.COMPLETED
        self._by_ticket.pop(request.ticket, None)
        self._account(request).in_flight -= 1
        self._ledger.complete(request)
        self._on_end(request)
