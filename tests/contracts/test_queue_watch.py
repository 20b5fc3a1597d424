"""A look at the queue from outside sees what Celery has put there, and how long it waits."""

from __future__ import annotations

import json
import time

import builders
import pytest

from pipeline.errors import ServiceUnavailableError
from pipeline.queue.base import Waiting
from pipeline.queue.celery import CeleryQueue, make_sender
from pipeline.queue.redis_watch import PRIORITY_LISTS, RedisQueueWatch
from pipeline.redis_server import connect


@pytest.fixture
def queue(valkey_url, key_prefix):
    settings = builders.settings(REDIS_URL=valkey_url, NIGHTSCRIBE_REDIS_KEY_PREFIX=key_prefix)
    queue = CeleryQueue(make_sender(settings.redis), name="transcribe", server="the server")
    yield queue
    queue.close()


@pytest.fixture
def watch(redis_client, key_prefix):
    return RedisQueueWatch(redis_client, key_prefix=key_prefix, name="transcribe")


def message(**properties) -> str:
    """A message as kombu writes it; its body is never opened."""
    return json.dumps({"body": "?", "headers": {}, "properties": properties})


def test_nothing_waits_at_first(watch):
    assert watch.look() == Waiting(0, None)


def test_it_tells_as_many_as_the_queue_itself_and_when_the_oldest_was_sent(queue, watch):
    before = time.time()
    queue.put([builders.job(builders.audio("first.mp3"))])
    between = time.time()
    queue.put([builders.job(builders.audio(f"{number}.mp3")) for number in range(3)])

    waiting = watch.look()

    assert waiting.jobs == queue.depth() == 4
    assert before - 0.001 <= waiting.oldest_sent_epoch_s <= between + 0.001


def test_of_several_lists_the_oldest_counts(watch, redis_client, key_prefix):
    for age, step in enumerate(PRIORITY_LISTS):
        redis_client.lpush(f"{key_prefix}transcribe{step}", message(timestamp=1000.0 - age), message(timestamp=2000.0))

    assert watch.look() == Waiting(8, 997.0)


@pytest.mark.parametrize("text", [message(), message(timestamp="soon"), message(timestamp=None), "{", "[]", '"x"'])
def test_a_message_that_tells_no_time_is_counted_all_the_same(watch, redis_client, key_prefix, text):
    redis_client.lpush(f"{key_prefix}transcribe", text)

    assert watch.look() == Waiting(1, None)


def test_a_server_that_is_away_says_so():
    away = connect("redis://127.0.0.1:1/0", connect_timeout_s=0.2, socket_timeout_s=2)

    with pytest.raises(ServiceUnavailableError):
        RedisQueueWatch(away, key_prefix="k:", name="transcribe").look()
    away.close()
