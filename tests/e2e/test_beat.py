"""Nights begun by Celery beat: one start after another, by whichever worker has a slot, and nothing left behind."""

from __future__ import annotations

import signal
import sys
from datetime import timedelta

import pytest
import redis
from archives import REPOSITORY, end, eventually
from beats import LAST_START, Night

from emulator.stack.redis import RedisServer

pytestmark = pytest.mark.e2e


@pytest.fixture
def night(archive):
    return Night(archive)


def test_a_start_that_was_missed_is_caught_up_once(night):
    night.archive.may_fork = False  # here beat is started as a user starts it
    episodes = night.archive.put_episodes(3)
    night.ran_last(LAST_START - timedelta(days=3))
    beat = night.start_beat()

    assert (night.starts(), night.waiting()) == (1, 1)
    assert night.message() == {"argsrepr": str(night.file), "task": "night", "retries": 0}
    assert end(beat) == 0
    night.archive.start_worker()
    eventually(night.has_manifest, "the night is done")
    eventually(lambda: "night_ended" in night.archive.log(), "its task ends")

    assert night.archive.bills_per_key() == dict.fromkeys(episodes, 1)
    # It is what people would have seen, in the worker's own output.
    assert "3 done" in night.archive.log()
    # Beat remembers: started again at once, and killed before, it begins no second one.
    again = night.start_beat("again")
    again.kill()
    again.wait()
    night.start_beat("third")
    assert (night.starts("again"), night.starts("third"), night.waiting()) == (0, 0, 0)


def test_a_beat_that_never_ran_waits_for_the_next_start(night):
    night.start_beat()

    assert (night.starts(), night.waiting()) == (0, 0)
    assert '"next_start"' in night.archive.log("beat.log")


def test_a_second_beat_on_the_same_file_ends_and_harms_nothing(night):
    night.ran_last(LAST_START + timedelta(minutes=1))
    first = night.start_beat()

    second = night.start_beat("second")

    assert second.wait() == 2
    assert "Error: Another beat works with" in night.archive.log("second.log")
    assert end(first) == 0
    third = night.start_beat("third")
    assert (night.starts("third"), third.poll()) == (0, None)


def test_a_worker_that_is_told_to_stop_hands_the_night_over(night):
    episodes = night.archive.put_episodes(24)
    night.ran_last(LAST_START - timedelta(days=1))
    first = night.archive.start_worker("w1")
    night.start_beat()
    eventually(lambda: night.archive.keys(episodes[0]) and len(night.archive.ledger()["bills"]) > 1, "the night is on")

    assert end(first) == 0
    assert night.children() == []
    assert night.waiting() == 1
    assert night.message() == {"argsrepr": str(night.file), "task": "night", "retries": 1}

    night.archive.start_worker("w2")
    eventually(night.has_manifest, "the night is done")
    assert night.archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert night.archive.manifest()["complete"]


def test_a_worker_that_is_killed_takes_the_night_with_it(night):
    night.archive.put_episodes(24)
    night.ran_last(LAST_START - timedelta(days=1))
    worker = night.archive.start_worker()
    night.start_beat()
    eventually(lambda: night.archive.ledger()["bills"], "the night is on")
    assert len(night.children()) == 1

    end(worker, signal.SIGKILL)

    eventually(lambda: night.children() == [], "its child ends")
    assert night.waiting() == 0  # no second night by day: the next start catches up


def test_a_slot_that_does_a_night_is_not_offered_to_an_episode(night):
    """A job that is taken off the queue and waits for hours for that slot would be nobody's."""
    night.archive.put_episodes(6)
    night.ran_last(LAST_START - timedelta(days=1))
    night.archive.start_worker(slots=2)
    night.start_beat()
    held = []

    def is_done():
        held.append(night.archive.redis.hlen(f"{night.archive.bucket}:unacked"))
        return night.has_manifest()

    eventually(is_done, "the night is done")

    assert max(held) == 1


def test_a_worker_of_one_slot_takes_no_night(night):
    night.ran_last(LAST_START - timedelta(days=1))
    night.archive.put_episodes(1)
    night.archive.start_worker(slots=1)
    night.start_beat()
    eventually(lambda: "worker_takes_no_nights" in night.archive.log(), "it says so")

    # It transcribes, and leaves the night to others.
    assert night.archive.run("backfill", night.archive.uri).returncode == 0
    assert night.waiting() == 1
    assert "night_started" not in night.archive.log()


def test_without_archives_beat_says_what_to_set(archive):
    beat = archive._spawn([sys.executable, "-m", "celery", "-q", "-A", "workers.app", "beat"], "beat.log", {})

    assert beat.wait() == 2
    assert "set NIGHTSCRIBE_NIGHT_ARCHIVES" in archive.log("beat.log")
    assert "Traceback" not in archive.log("beat.log")
    assert not (REPOSITORY / "celerybeat-schedule").exists()


def test_a_start_that_finds_redis_away_is_sent_when_it_is_back(night, tmp_path):
    server = RedisServer(tmp_path)
    server.start()
    server.kill()
    night.archive.environment["REDIS_URL"] = server.url
    night.ran_last(LAST_START - timedelta(days=1))
    night.start_beat(awaited=("Connection error",))

    server.start()
    with redis.Redis.from_url(server.url) as client:
        eventually(lambda: client.llen(f"{night.archive.queue}-nights") == 1, "the night is sent")
    server.kill()
