"""PermitLine: standing in line for permits within one process."""

from __future__ import annotations

import threading

import pytest

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.limits.memory import MemoryPermits
from pipeline.limits.turns import PermitLine


def test_never_more_threads_inside_than_permits_and_all_get_their_turn():
    permits = MemoryPermits(limit=2, lease_s=30.0)
    line = PermitLine(permits, CancellationToken())
    inside, most, lock = set(), [], threading.Lock()

    def work(name):
        with line.permit(name, in_flight=False):
            with lock:
                inside.add(name)
                most.append(len(inside))
            threading.Event().wait(0.002)
            with lock:
                inside.discard(name)

    threads = [threading.Thread(target=work, args=(f"job-{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(most) == 20
    assert max(most) <= 2
    assert permits.use().held == 0


def test_cancellation_wakes_everybody_in_line():
    cancel = CancellationToken()
    line = PermitLine(MemoryPermits(limit=1, lease_s=30.0), cancel)
    ended = []

    def wait(name):
        try:
            with line.permit(name, in_flight=False):
                ended.append("got it")
        except Cancelled:
            ended.append("cancelled")

    with line.permit("holder", in_flight=False):
        threads = [threading.Thread(target=wait, args=(f"job-{number}",)) for number in range(5)]
        for thread in threads:
            thread.start()
        cancel.cancel()
        for thread in threads:
            thread.join(30)

    assert ended == ["cancelled"] * 5


def test_a_request_in_flight_is_counted_even_beyond_the_limit():
    permits = MemoryPermits(limit=1, lease_s=30.0)
    line = PermitLine(permits, CancellationToken())

    with line.permit("one", in_flight=False), line.permit("resumed", in_flight=True):
        assert permits.use().held == 2


@pytest.mark.parametrize(("in_flight", "held_after"), [(False, 0), (True, 1)])
def test_an_error_gives_the_permit_back_unless_the_request_goes_on(in_flight, held_after):
    permits = MemoryPermits(limit=1, lease_s=30.0)
    line = PermitLine(permits, CancellationToken())

    def work():
        with line.permit("job", in_flight=False) as permit:
            permit.in_flight = in_flight
            raise Cancelled

    with pytest.raises(Cancelled):
        work()

    assert permits.use().held == held_after


def test_renewing_adopts_what_was_lost():
    """Redis was wiped: the requests are in flight all the same."""
    permits = MemoryPermits(limit=1, lease_s=30.0)
    line = PermitLine(permits, CancellationToken())

    with line.permit("job", in_flight=False):
        permits.release("job")
        line.renew()

        assert permits.use().held == 1
