"""Workers that die with many jobs in flight, freeze and wake up, or stop consuming."""

from __future__ import annotations

import json
import signal

import pytest
from archives import Archive, end, eventually

pytestmark = [pytest.mark.e2e]


def submitted(archive: Archive) -> int:
    return sum(intent["state"] == "submitted" for intent in archive.intents())


def test_forty_jobs_in_flight_of_a_killed_worker_are_all_taken_over(archive):
    """With the default lease; how long it takes is measured in the benchmark, here it only has to happen."""
    episodes = archive.put_episodes(40)
    many = {"NIGHTSCRIBE_LIMITS_CONCURRENCY": "40", "NIGHTSCRIBE_LIMITS_OVERCOMMIT": "1"}
    archive.fault({"on": "process", "do": {"delay_s": 8.0}})
    doomed = archive.start_worker("doomed", slots=40, **many)
    archive.start_worker("heir", slots=1, **many)
    command = archive.start("backfill", archive.uri, **many)
    eventually(lambda: submitted(archive) >= 38, "forty in flight")
    doomed.kill()
    doomed.wait()
    archive.start_worker("second", slots=40, **many)

    assert command.wait(120) == 0, archive.log("command.log")
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert len(archive.ledger()["accepted"]) == 40


def test_a_worker_frozen_for_longer_than_its_lease_pays_nothing_twice_and_overwrites_nothing(archive):
    episodes = archive.put_episodes(8)
    archive.fault({"on": "process", "do": {"delay_s": 3.0}})
    frozen = archive.start_worker("frozen", slots=8)
    command = archive.start("backfill", archive.uri)
    eventually(lambda: submitted(archive) >= 3, "requests in flight")
    frozen.send_signal(signal.SIGSTOP)
    archive.start_worker("second", slots=8)
    try:
        assert command.wait(90) == 0, archive.log("command.log")
        written = {
            key: archive.client.head_object(Bucket=archive.bucket, Key=f"{key}.transcript.json")["ETag"]
            for key in episodes
        }
    finally:
        frozen.send_signal(signal.SIGCONT)
    eventually(lambda: "leases_lost" in archive.log("worker-frozen.log"), "the frozen worker wakes up")

    assert end(frozen) == 0
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert len(archive.ledger()["accepted"]) == 8
    assert written == {
        key: archive.client.head_object(Bucket=archive.bucket, Key=f"{key}.transcript.json")["ETag"] for key in episodes
    }


def test_jobs_of_a_dead_worker_are_sent_again_when_the_dispatcher_is_dead_too(archive):
    """Nobody waits for the night to end: what was paid for is fetched while fal still has it."""
    episodes = archive.put_episodes(6)
    archive.fault({"on": "process", "do": {"delay_s": 2.0}})
    doomed = archive.start_worker("doomed", slots=6)
    command = archive.start("backfill", archive.uri)
    eventually(lambda: submitted(archive) >= 4, "requests in flight")
    command.kill()
    doomed.kill()
    doomed.wait()

    archive.start_worker("second", slots=6)

    eventually(lambda: sum(key.endswith(".transcript.json") for key in list(archive.keys())) == 6, "all are done")
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def test_a_worker_that_consumes_no_more_says_so(archive):
    archive.put_episodes(3)
    archive.start_worker("idle", NIGHTSCRIBE_WORKER_STUCK_AFTER_S="1")
    eventually(lambda: archive.redis.scard(f"{archive.bucket}:workers") == 1, "the worker is there")
    stop_consuming(archive)

    command = archive.start("backfill", archive.uri)

    eventually(lambda: "worker_not_consuming" in archive.log("worker-idle.log"), "the worker says it")
    eventually(lambda: "idle" in archive.log("command.log"), "the dispatcher says it")
    status = json.loads(archive.run("status", "--json").stdout)
    assert [worker["is_stuck"] for worker in status["workers"]] == [True]
    command.kill()


def stop_consuming(archive: Archive) -> None:
    """Tells the worker to consume nothing, by Celery's own remote control: alive, and deaf."""
    from celery import Celery  # noqa: PLC0415  only here

    prefix = {"global_keyprefix": f"{archive.bucket}:"}
    with Celery(broker=archive.servers.redis_url, broker_transport_options=prefix) as app:
        name = archive.queue.removeprefix(f"{archive.bucket}:")
        # A worker shows itself in Redis a moment before it listens to remote control.
        eventually(lambda: app.control.cancel_consumer(name, reply=True, timeout=3), "the worker has obeyed")
