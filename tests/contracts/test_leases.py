"""The contract of `Leases`, for memory and for a real server, seen by two workers."""

from __future__ import annotations

import threading
import time

from pipeline.runs.memory import MemoryState
from pipeline.runs.memory_leases import MemoryLeases
from pipeline.runs.redis_leases import RedisLeases


def test_one_worker_has_a_job(lease_world, make_job):
    token = lease_world.ours.acquire(make_job())

    assert token
    assert lease_world.theirs.acquire(make_job()) is None
    assert lease_world.ours.holds("job-1", token)


def test_a_worker_that_has_a_job_does_not_take_it_twice(lease_world, make_job):
    """Its two slots would work on one job, and the first to end would end the lease of both."""
    token = lease_world.ours.acquire(make_job())

    assert lease_world.ours.acquire(make_job()) is None
    assert lease_world.ours.holds("job-1", token)


def test_each_acquisition_has_a_token_of_its_own(lease_world, make_job):
    tokens = []
    for _ in range(3):
        tokens.append(lease_world.ours.acquire(make_job()))
        lease_world.ours.release("job-1", tokens[-1])

    assert len(set(tokens)) == 3


def test_a_released_job_is_free(lease_world, make_job):
    token = lease_world.ours.acquire(make_job())

    lease_world.ours.release("job-1", token)

    assert not lease_world.ours.holds("job-1", token)
    assert lease_world.theirs.acquire(make_job())


def test_a_lapsed_job_is_free(lease_world, make_job):
    token = lease_world.ours.acquire(make_job())

    lease_world.let_lapse("job-1")

    assert not lease_world.ours.holds("job-1", token)
    assert lease_world.theirs.acquire(make_job())


def test_a_parked_job_is_free_for_anybody(lease_world, make_job):
    for first, second in [(lease_world.ours, lease_world.theirs), (lease_world.theirs, lease_world.ours)]:
        first.park("job-1", first.acquire(make_job()), for_s=100)
        token = second.acquire(make_job())
        assert token
        assert first.acquire(make_job()) is None
        second.release("job-1", token)


def test_the_holder_is_named_while_there_is_one(lease_world, make_job):
    assert lease_world.ours.holder("job-1") is None

    token = lease_world.ours.acquire(make_job())
    assert lease_world.ours.holder("job-1") == "w1"
    assert lease_world.theirs.holder("job-1") == "w1"

    lease_world.ours.park("job-1", token, for_s=100)
    assert lease_world.theirs.holder("job-1") is None


def test_nobody_ends_parks_or_renews_anothers_job(lease_world, make_job):
    token = lease_world.ours.acquire(make_job())

    for stranger, strange_token in [(lease_world.theirs, token), (lease_world.theirs, "t"), (lease_world.ours, "t")]:
        stranger.release("job-1", strange_token)
        stranger.park("job-1", strange_token, for_s=100)
        stranger.hand_back(make_job(), strange_token)
        assert not stranger.holds("job-1", strange_token)
        assert stranger.renew({"job-1": strange_token}) == {"job-1"}

    assert lease_world.ours.holds("job-1", token)
    assert lease_world.ours.renew({"job-1": token}) == set()


def test_a_worker_that_slept_changes_nothing_although_it_has_the_job_again(lease_world, make_job):
    """The fence: one slot lost the job in its sleep, another slot of the same worker has taken it since."""
    old = lease_world.ours.acquire(make_job())
    lease_world.let_lapse("job-1")
    new = lease_world.ours.acquire(make_job())

    assert not lease_world.ours.holds("job-1", old)
    assert lease_world.ours.renew({"job-1": old}) == {"job-1"}
    lease_world.ours.park("job-1", old, for_s=100)
    lease_world.ours.hand_back(make_job(), old)
    lease_world.ours.release("job-1", old)

    assert lease_world.ours.holds("job-1", new)
    assert lease_world.theirs.acquire(make_job()) is None


def test_releasing_what_nobody_holds_does_nothing(lease_world, make_job):
    lease_world.ours.release("job-1", "token")

    assert lease_world.theirs.acquire(make_job())


def test_releasing_a_parked_job_leaves_it_parked(run_world, make_job):
    """A slot that hands its job back parks it, and its clean-up must not make the job look stalled."""
    job = make_job()
    run_world.runs.add("run-1", [job])
    token = run_world.leases.acquire(job)
    run_world.leases.park("job-1", token, for_s=100)

    run_world.leases.release("job-1", token)

    assert run_world.runs.stalled("run-1", queue_is_empty=True) == []


def test_a_lease_that_ran_out_can_still_be_parked(run_world, make_job):
    """Its job is to be tried again later; it must not count as stalled before."""
    job = make_job()
    run_world.runs.add("run-1", [job])
    token = run_world.leases.acquire(job)
    run_world.let_all_lapse()

    run_world.leases.park("job-1", token, for_s=100)

    assert run_world.runs.stalled("run-1", queue_is_empty=True) == []
    assert run_world.leases.acquire(job)


def test_handing_back_late_leaves_the_mark_of_who_has_the_job_now(run_world, make_job):
    """Otherwise nobody would notice when the new holder dies."""
    job = make_job()
    run_world.runs.add("run-1", [job])
    old = run_world.leases.acquire(job)
    run_world.let_all_lapse()
    run_world.leases.acquire(job)

    run_world.leases.hand_back(job, old)

    run_world.let_all_lapse()
    assert run_world.runs.stalled("run-1", queue_is_empty=False) == [job]


def test_renewing_names_what_is_no_longer_held(lease_world, make_job):
    held = {name: lease_world.ours.acquire(make_job(name)) for name in ("kept", "lapsed", "parked", "taken")}
    lease_world.let_lapse("lapsed")
    lease_world.ours.park("parked", held["parked"], for_s=100)
    lease_world.let_lapse("taken")
    lease_world.theirs.acquire(make_job("taken"))

    lost = lease_world.ours.renew({**held, "stranger": "token"})

    assert lost == {"lapsed", "parked", "taken", "stranger"}
    assert lease_world.ours.renew({}) == set()


def test_a_thousand_leases_are_renewed_at_once(lease_world, make_job):
    held = {f"job-{number}": lease_world.ours.acquire(make_job(f"job-{number}")) for number in range(1000)}

    assert lease_world.ours.renew(held) == set()


def test_of_two_workers_who_reach_for_a_job_one_gets_it(lease_world, make_job):
    jobs = [make_job(f"job-{number}") for number in range(50)]
    taken: dict[str, list[str]] = {"ours": [], "theirs": []}
    together = threading.Barrier(2)

    def reach(name: str) -> None:
        together.wait()
        leases = getattr(lease_world, name)
        taken[name] += [job.job_id for job in jobs if leases.acquire(job)]

    threads = [threading.Thread(target=reach, args=(name,)) for name in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken["ours"] + taken["theirs"]) == sorted(job.job_id for job in jobs)


def test_memory_leases_last_until_they_are_not_renewed(clock, make_job):
    state = MemoryState(clock)
    ours, theirs = (MemoryLeases(state, owner=owner, lease_s=30) for owner in ("w1", "w2"))
    tokens = {name: ours.acquire(make_job(name)) for name in ("dead", "alive")}

    clock.now_s += 30 - 1
    assert ours.renew({"alive": tokens["alive"]}) == set()
    assert not theirs.acquire(make_job("dead"))
    clock.now_s += 1

    assert theirs.acquire(make_job("dead"))
    assert not theirs.acquire(make_job("alive"))


def test_a_dead_workers_job_is_free_after_its_lease(redis_client, key_prefix, make_job):
    ours, theirs = (
        RedisLeases(redis_client, key_prefix=key_prefix, owner=owner, lease_s=0.3) for owner in ("w1", "w2")
    )
    token = ours.acquire(make_job())
    assert not theirs.acquire(make_job())

    deadline_s = time.monotonic() + 10
    while not theirs.acquire(make_job()):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)

    assert ours.renew({"job-1": token}) == {"job-1"}
