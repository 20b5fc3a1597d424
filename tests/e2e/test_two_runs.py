"""Two runs over the same objects at once: one of two dispatchers steps back, and nothing is billed twice."""

from __future__ import annotations

import pytest
from archives import eventually

pytestmark = [pytest.mark.e2e]


def each_is_paid_once(archive, episodes):
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert len(archive.ledger()["accepted"]) == len(episodes)
    for key in episodes:
        assert archive.sidecar(key)["object"]["key"] == key


def test_of_two_dispatchers_that_start_in_the_same_moment_one_exits_with_5(archive):
    episodes = archive.put_episodes(10)
    archive.fault({"on": "process", "do": {"delay_s": 1.0}})
    archive.start_worker()

    both = [archive.start("backfill", archive.uri, log=f"{name}.log") for name in ("one", "other")]
    codes = [process.wait(90) for process in both]

    assert sorted(codes) == [0, 5], archive.log("one.log") + archive.log("other.log")
    assert "is alive" in archive.log("one.log" if codes[0] == 5 else "other.log")
    assert {row["state"] for row in archive.rows()} == {"done"}
    each_is_paid_once(archive, episodes)


def test_another_recipe_does_not_push_a_living_run_aside(archive):
    """The first has no worker yet, so that it lives for as long as the second takes to be refused."""
    episodes = archive.put_episodes(6)
    first = archive.start("backfill", archive.uri, log="first.log")
    eventually(lambda: archive.redis.llen(archive.queue) == len(episodes), "the first run is at work")

    second = archive.run("backfill", archive.uri, "--model", "fal-ai/wizper")
    archive.start_worker()

    assert second.returncode == 5, second.stderr
    assert first.wait(90) == 0, archive.log("first.log")
    each_is_paid_once(archive, episodes)


def test_overlapping_prefixes_share_what_is_paid(archive):
    """A run over the bucket and one over a show: both end well, and each recording is billed once."""
    episodes = archive.put_episodes(12)
    show = episodes[3].split("/")[0] + "/"
    archive.fault({"on": "process", "do": {"delay_s": 1.0}})
    for name in ("w1", "w2"):
        archive.start_worker(name)

    whole = archive.start("backfill", archive.uri, log="whole.log")
    part = archive.start("backfill", archive.uri + show, log="part.log")

    assert whole.wait(90) == 0, archive.log("whole.log")
    assert part.wait(90) == 0, archive.log("part.log")
    assert {row["key"]: row["state"] for row in archive.rows()} == dict.fromkeys(episodes, "done")
    each_is_paid_once(archive, episodes)


def test_of_two_dispatchers_after_a_wipe_one_steps_back(archive):
    """The first one's claim is forgotten, so that both believe in themselves for a moment: S3 decides."""
    episodes = archive.put_episodes(16)
    archive.fault({"on": "process", "do": {"delay_s": 1.5}})
    archive.start_worker()
    # The first looks so seldom that the second is there before it tells Redis anew.
    first = archive.start("backfill", archive.uri, NIGHTSCRIBE_RUN_TICK_S="4", log="first.log")
    eventually(lambda: len(archive.ledger()["bills"]) >= 2, "some are done")

    archive.redis.flushall()
    second = archive.start("backfill", archive.uri, log="second.log")
    codes = [first.wait(90), second.wait(90)]

    assert sorted(codes) == [0, 5], archive.log("first.log") + archive.log("second.log")
    assert {row["key"]: row["state"] for row in archive.rows()} == dict.fromkeys(episodes, "done")
    each_is_paid_once(archive, episodes)


def test_a_second_dispatcher_with_another_recipe_after_a_wipe_pays_for_its_own_recipe_only(archive):
    """Both models may be asked for the same recording, each of them once: that is what was asked for."""
    episodes = archive.put_episodes(6)
    archive.fault({"on": "process", "do": {"delay_s": 1.5}})
    archive.start_worker()
    first = archive.start("backfill", archive.uri, NIGHTSCRIBE_RUN_TICK_S="4", log="first.log")
    eventually(lambda: len(archive.ledger()["accepted"]) >= 2, "the first run is at work")

    archive.redis.flushall()
    second = archive.start("backfill", archive.uri, "--model", "fal-ai/wizper", log="second.log")
    codes = [first.wait(90), second.wait(90)]

    assert sorted(codes) == [0, 5], archive.log("first.log") + archive.log("second.log")
    bills = [(bill["audio_path"], bill["endpoint_id"]) for bill in archive.ledger()["bills"]]
    assert len(bills) == len(set(bills))
    assert len(archive.ledger()["accepted"]) == len(bills)
    assert {archive.sidecar(key)["object"]["key"] for key in episodes} == set(episodes)
