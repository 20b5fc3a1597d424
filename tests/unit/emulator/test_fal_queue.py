"""The queue without HTTP: order, limit, deadlines, cancellation, going back."""

import asyncio

from emulator.fal.ledger import Ledger
from emulator.fal.outcomes import request_error, success
from emulator.fal.queue import BackToQueueError, FalQueue
from emulator.fal.request import FalRequest, State


def request(name, owner="one", **fields):
    return FalRequest(name, "fal-ai/whisper", "fal-ai/whisper", owner, {}, sent_at=0.0, **fields)


class Runner:
    """Processing that finishes when told to."""

    def __init__(self):
        self.started = []
        self.outcomes = {}

    async def __call__(self, request):
        """Starts and waits."""
        self.started.append(request.request_id)
        self.outcomes[request.request_id] = asyncio.get_running_loop().create_future()
        return await self.outcomes[request.request_id]

    def finish(self, name, outcome=None):
        """Ends a request, in success unless told otherwise."""
        self.outcomes[name].set_result(outcome or success({}, 1))


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


def test_requests_start_in_order_within_the_limit_of_their_account():
    async def story():
        runner, ledger = Runner(), Ledger()
        queue = FalQueue(1, runner, ledger)
        requests = [request("a"), request("b"), request("c"), request("other", owner="two")]
        for each in requests:
            queue.submit(each)
        await settle()
        assert runner.started == ["a", "other"]
        assert [queue.position(each) for each in requests[1:3]] == [0, 1]

        runner.finish("a")
        await settle()
        assert runner.started == ["a", "other", "b"]
        assert (queue.position(requests[2]), queue.waiting) == (0, 1)
        assert [bill.request_id for bill in ledger.bills] == ["a"]
        assert queue.accounts["one"].max_in_progress == 1
        assert queue.accounts["one"].max_in_flight == 3
        queue.reset()

    asyncio.run(story())


def test_a_failed_request_is_completed_and_not_billed():
    async def story():
        runner, ledger = Runner(), Ledger()
        queue = FalQueue(1, runner, ledger)
        failing = request("a")
        queue.submit(failing)
        await settle()
        runner.finish("a", request_error("runner_server_error", "no", 500))
        await settle()
        assert failing.state is State.COMPLETED
        assert (ledger.bills, queue.accounts["one"].in_flight) == ([], 0)

    asyncio.run(story())


def test_a_request_cancelled_while_waiting_never_starts():
    async def story():
        runner = Runner()
        queue = FalQueue(1, runner, Ledger())
        first, second, third = request("a"), request("b"), request("c")
        for each in (first, second, third):
            queue.submit(each)
        await settle()
        assert [queue.cancel(each) for each in (second, second, first)] == [
            "OK",
            "ALREADY_COMPLETED",
            "CANCELLATION_REQUESTED",
        ]
        runner.finish("a")
        await settle()
        assert runner.started == ["a", "c"]
        queue.reset()

    asyncio.run(story())


def test_a_request_that_goes_back_keeps_its_place_before_later_ones():
    async def story():
        started = []

        async def process(request):
            started.append(request.request_id)
            if started == ["a"]:
                raise BackToQueueError(0)
            await asyncio.sleep(0)
            return success({}, 1)

        ledger = Ledger()
        queue = FalQueue(1, process, ledger)
        for name in ("a", "b", "c"):
            queue.submit(request(name))
        await settle()
        await settle()
        # "b" takes the free place at once; "a" comes next, for it is older than "c".
        assert started == ["a", "b", "a", "c"]
        assert len(ledger.bills) == 3

    asyncio.run(story())


def test_the_start_deadline_counts_from_the_submit_also_for_a_second_start():
    async def story():
        async def process(_request):
            raise BackToQueueError(0)

        queue = FalQueue(1, process, Ledger())
        # Sent at the epoch: its deadline has long passed when the runner is lost.
        overdue = request("a", start_timeout_s=1000.0)
        queue.submit(overdue)
        await settle()
        assert overdue.outcome.error_type == "request_timeout"

    asyncio.run(story())


def test_a_reset_stops_and_forgets_everything():
    async def story():
        runner, ledger = Runner(), Ledger()
        queue = FalQueue(1, runner, ledger)
        for name in ("a", "b"):
            queue.submit(request(name))
        await settle()
        queue.reset()
        queue.submit(request("new"))
        await settle()
        assert runner.started == ["a", "new"]
        assert list(queue.by_id) == ["new"]
        assert ledger.bills == []
        queue.reset()

    asyncio.run(story())
