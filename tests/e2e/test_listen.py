"""`nightscribe listen` from outside: S3's events from a real queue server become transcripts, each paid once."""

from __future__ import annotations

import signal

import pytest
from archives import end, eventually, says
from queues import TEST_EVENT, moto_queues, notification, record, through_bridge, through_sns

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def queues():
    with moto_queues() as running:
        yield running


@pytest.fixture
def queue(queues, archive):
    """The URL of a queue of this archive's own."""
    archive.environment |= {
        "NIGHTSCRIBE_LISTEN_GATHER_S": "1",
        "NIGHTSCRIBE_RUN_DISPATCHER_LEASE_S": "2",  # also how soon another run is tried again
    }
    return queues.make(archive.bucket)


def created(archive, key, sequencer="02"):
    return notification(record(key, bucket=archive.bucket, sequencer=sequencer))


def removed(archive, key, sequencer):
    return notification(record(key, "ObjectRemoved:Delete", bucket=archive.bucket, sequencer=sequencer))


def is_done(queues, queue):
    return lambda: queues.left(queue) == (0, 0)


def test_events_become_transcripts_and_nothing_else_does(archive, queues, queue):
    """Three episodes in three shapes, with repeats, disorder, a delete, a stranger's bucket and unreadable words."""
    episodes = archive.put_episodes(5, "shows/a b+c%20/")
    wanted, gone, untold = episodes[:3], episodes[3], episodes[4]
    archive.client.delete_object(Bucket=archive.bucket, Key=gone)
    archive.start_worker()
    command = archive.start("listen", archive.uri, "--queue-url", queue, "--formats", "vtt")
    direct = created(archive, wanted[0])
    queues.send(
        queue,
        TEST_EVENT,
        removed(archive, gone, "03"),
        created(archive, gone, "01"),
        direct,
        through_sns(created(archive, wanted[1])),
        through_bridge(wanted[2], bucket=archive.bucket),
        direct,
        notification(record(untold, bucket="somebody-elses")),
        notification(record(f"{wanted[0]}.transcript.json", bucket=archive.bucket)),
    )
    eventually(is_done(queues, queue), "all messages are deleted")

    assert archive.bills_per_key() == dict.fromkeys(wanted, 1)
    assert [row["key"] for row in archive.rows()] == sorted(wanted)
    assert {f"{key}.vtt" for key in wanted} < set(archive.keys())

    queues.send(queue, direct, created(archive, gone, "05"))  # told once more, and one that is there no more
    eventually(is_done(queues, queue), "the repeats are deleted")

    assert end(command) == 0
    assert archive.bills_per_key() == dict.fromkeys(wanted, 1)
    said = archive.log("command.log")
    assert "test event" in said
    assert "Traceback" not in said


def test_a_killed_listener_loses_no_event_and_pays_nothing_twice(archive, queues, queue):
    """Killed before its workers begin, and again while they work; what it held comes back."""
    episodes = archive.put_episodes(3)
    listen = ("listen", archive.uri, "--queue-url", queue)
    first = archive.start(*listen)
    queues.send(queue, *(created(archive, key) for key in episodes))
    eventually(lambda: archive.redis.llen(archive.queue) == 3, "its jobs are queued")
    end(first, signal.SIGKILL)

    assert queues.left(queue) == (0, 3)
    queues.let_come_back(archive.bucket)
    second = archive.start(*listen)
    archive.start_worker()
    eventually(lambda: archive.ledger()["accepted"], "a request is at fal")
    end(second, signal.SIGKILL)

    queues.let_come_back(archive.bucket)
    third = archive.start(*listen)
    eventually(is_done(queues, queue), "all messages are deleted")

    assert end(third) == 0
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert {row["state"] for row in archive.rows()} == {"done"}


def test_a_stop_in_the_middle_of_a_run_gives_the_messages_back(archive, queues, queue):
    (episode,) = archive.put_episodes(1)
    command = archive.start("listen", archive.uri, "--queue-url", queue)
    queues.send(queue, created(archive, episode))
    eventually(lambda: archive.redis.llen(archive.queue) == 1, "its job is queued")

    assert end(command) == 130
    assert queues.left(queue) == (1, 0)


def test_messages_wait_while_another_run_is_active(archive, queues, queue):
    first, second = archive.put_episodes(2)
    other = archive.start("backfill", archive.uri, "--include", first)
    eventually(lambda: archive.redis.llen(archive.queue) == 1, "the other run has a job")
    archive._spawn([*other.args[:3], "listen", archive.uri, "--queue-url", queue], "listen.log", {})
    queues.send(queue, created(archive, second))
    eventually(lambda: "wait until it has ended" in archive.log("listen.log"), "it says that it waits")

    assert queues.left(queue) == (0, 1)
    archive.start_worker()
    eventually(is_done(queues, queue), "its message is deleted")
    assert archive.bills_per_key() == {first: 1, second: 1}
    assert archive.log("listen.log").count("wait until it has ended") == 1


def test_a_ceiling_bounds_a_run_and_ends_listening_with_3(archive, queues, queue):
    episodes = archive.put_episodes(2)
    archive.start_worker()
    queues.send(queue, *(created(archive, key) for key in episodes))
    outcome = archive.run("listen", archive.uri, "--queue-url", queue, "--max-audio-hours", "0.0001")

    says(outcome, 3, "ceiling", "listen", "--max-audio-hours", "back in the queue")
    assert queues.left(queue) == (2, 0)


@pytest.mark.parametrize(
    ("url", "words"),
    [("episodes", ("no URL of a queue",)), ("{queues}/123456789012/nowhere", ("nowhere", "ReceiveMessage"))],
)
def test_a_wrong_queue_is_said_at_once(archive, queues, url, words):
    says(archive.run("listen", archive.uri, "--queue-url", url.format(queues=queues.url)), 2, *words)
