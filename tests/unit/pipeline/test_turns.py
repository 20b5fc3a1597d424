"""PermitLine: standing in line for permits within one process."""

from __future__ import annotations

import threading

import builders

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.limits.memory import MemoryPermits
from pipeline.limits.turns import PermitLine


def test_never_more_threads_inside_than_permits_and_all_get_their_turn():
    permits = MemoryPermits(limit=2, lease_s=30.0, recover_s=10.0)
    line = PermitLine(permits, CancellationToken())
    inside, most, lock = set(), [], threading.Lock()

    def work(name):
        line.take(name)
        with lock:
            inside.add(name)
            most.append(len(inside))
        threading.Event().wait(0.002)
        with lock:
            inside.discard(name)
        line.give_back(name)

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
    line = PermitLine(MemoryPermits(limit=1, lease_s=30.0, recover_s=10.0), cancel)
    ended = []

    def wait(name):
        try:
            line.take(name)
            ended.append("got it")
        except Cancelled:
            ended.append("cancelled")

    line.take("holder")
    threads = [threading.Thread(target=wait, args=(f"job-{number}",)) for number in range(5)]
    for thread in threads:
        thread.start()
    cancel.cancel()
    for thread in threads:
        thread.join(30)

    assert ended == ["cancelled"] * 5


def test_a_request_in_flight_is_counted_even_beyond_the_limit():
    permits = MemoryPermits(limit=1, lease_s=30.0, recover_s=10.0)
    line = PermitLine(permits, CancellationToken())

    line.take("one")
    line.count_in_flight(builders.request("resumed"), instead_of="a lease without a permit")

    assert permits.use().held == 2


def test_a_request_takes_the_place_of_the_permit_it_was_sent_under():
    permits = MemoryPermits(limit=1, lease_s=30.0, recover_s=10.0)
    line = PermitLine(permits, CancellationToken())

    line.take("lease")
    line.count_in_flight(builders.request("r-1"), instead_of="lease")

    assert permits.use().held == 1
    line.give_back("lease")
    assert permits.use().held == 1
    line.give_back("r-1")
    assert permits.use().held == 0


def test_after_a_wipe_only_what_is_in_flight_here_is_counted_again():
    """Nothing is sent under a permit that the server has forgotten; what this process has left belongs to another."""
    permits = MemoryPermits(limit=2, lease_s=30.0, recover_s=10.0)
    line = PermitLine(permits, CancellationToken())
    line.take("lease")
    for name in ("held", "left"):
        line.count_in_flight(builders.request(name), instead_of="")
    line.leave("left")
    for name in ("lease", "held", "left"):
        permits.release(name)

    line.renew()

    assert permits.use().held == 1
    assert not line.holds("lease")


def test_a_request_left_behind_by_a_dead_worker_is_freed_once_it_is_over():
    permits = MemoryPermits(limit=1, lease_s=0.0, recover_s=10.0)
    permits.adopt("r-1", builders.request("r-1").model_dump_json())
    looks = []

    def is_over(request):
        looks.append(request.request_id)
        return len(looks) == 2

    PermitLine(permits, CancellationToken(), is_over).take("lease")

    assert looks == ["r-1", "r-1"]
