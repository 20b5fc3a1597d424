"""The contract of `JobQueue`, for a list and for Celery over a real server."""

from __future__ import annotations

import base64
import json
from urllib.parse import urlsplit

import builders
import pytest
import redis
from chaos.background_loop import BackgroundLoop
from chaos.redis_proxy import RedisFault, RedisProxy

from pipeline.errors import ServiceUnavailableError
from pipeline.models import Job
from pipeline.queue.celery import CeleryQueue, make_sender
from pipeline.queue.memory import MemoryQueue


@pytest.fixture(params=["memory", "celery"])
def queue(request):
    if request.param == "memory":
        yield MemoryQueue()
        return
    yield from celery_queue(request.getfixturevalue("valkey_url"), request.getfixturevalue("key_prefix"))


def celery_queue(url, prefix):
    settings = builders.settings(REDIS_URL=url, NIGHTSCRIBE_REDIS_KEY_PREFIX=prefix)
    queue = CeleryQueue(make_sender(settings.redis), name="transcribe", server="the server")
    yield queue
    queue.close()


def jobs(count):
    return [builders.job(builders.audio(f"show é/{number}.mp3")) for number in range(count)]


def test_what_is_put_waits(queue):
    queue.put(jobs(3))
    queue.put(jobs(2))

    assert queue.depth() == 5


def test_putting_nothing_changes_nothing(queue):
    queue.put([])

    assert queue.depth() == 0


def test_a_large_batch_arrives_whole(queue):
    queue.put(jobs(1500))

    assert queue.depth() == 1500


def test_a_message_is_json_of_the_job_under_its_id_and_reads_well_in_flower(valkey_url, key_prefix):
    (job,) = jobs(1)
    for queue in celery_queue(valkey_url, key_prefix):
        queue.put([job])
    with redis.Redis.from_url(valkey_url) as client:
        message = json.loads(client.lindex(f"{key_prefix}transcribe", 0))

    ((payload,), _, _) = json.loads(base64.b64decode(message["body"]))
    assert Job.model_validate(payload) == job
    assert message["headers"]["id"] == job.job_id
    assert message["headers"]["task"] == "transcribe"
    assert message["headers"]["argsrepr"] == "s3://podcasts/show é/0.mp3 (1 kB) with fal-ai/whisper"


@pytest.mark.parametrize("act", [lambda queue: queue.put(jobs(1)), lambda queue: queue.depth()], ids=["put", "depth"])
def test_a_broker_that_is_away_is_named_without_its_password(act):
    for queue in celery_queue("redis://:canary@127.0.0.1:9/0", "x:"):
        with pytest.raises(ServiceUnavailableError) as caught:
            act(queue)

        assert "REDIS_URL" in caught.value.message
        assert "canary" not in caught.value.message


@pytest.mark.parametrize("fault", list(RedisFault))
def test_a_connection_that_breaks_within_a_batch_is_a_service_that_is_away(valkey_url, key_prefix, fault):
    """Some of the batch may have arrived. Sent again it is there, perhaps twice."""
    shares: dict[RedisFault, float] = {}
    with BackgroundLoop() as loop:
        proxy = RedisProxy(loop, urlsplit(valkey_url).port, seed=1, shares=shares)
        for queue in celery_queue(proxy.url, key_prefix):
            queue.put(jobs(1))
            shares[fault] = 1.0
            for count in (1, 200):
                with pytest.raises(ServiceUnavailableError, match="REDIS_URL"):
                    queue.put(jobs(count))
            shares.clear()

            queue.put(jobs(200))

            assert queue.depth() >= 201
