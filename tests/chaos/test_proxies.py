"""The fault proxies before real servers: without a fault nothing changes, and every fault does what its name says."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
import uuid

import boto3
import pytest
import redis
from archives import PATIENCE_S
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from chaos.background_loop import BackgroundLoop
from chaos.redis_proxy import RedisFault, RedisProxy
from chaos.s3_proxy import Moment, S3Fault, S3Proxy

pytestmark = [pytest.mark.integration]


@pytest.fixture
def loop():
    with BackgroundLoop() as running:
        yield running


@pytest.fixture
def bucket(servers):
    with_all = servers.s3.client()
    name = f"proxied-{uuid.uuid4().hex[:10]}"
    with_all.create_bucket(Bucket=name)
    yield name
    with_all.close()


@pytest.fixture
def direct(servers):
    client = servers.s3.client()
    yield client
    client.close()


@pytest.fixture
def through(loop, servers):
    """Makes a proxy with these shares of faults, and a client of it that sends everything once."""
    clients = []

    def make(shares=(), *, secret=servers.s3.secret_key, tries=1):
        proxy = S3Proxy(loop, servers.s3.ports["s3"], 1, dict(shares))
        session = boto3.Session(servers.s3.access_key, secret, region_name="us-east-1")
        config = Config(retries={"total_max_attempts": tries, "mode": "standard"}, signature_version="s3v4")
        clients.append(session.client("s3", endpoint_url=proxy.open("tester"), config=config))
        return proxy, clients[-1]

    yield make
    for client in clients:
        client.close()


def exists(client, bucket, key):
    return "Contents" in client.list_objects_v2(Bucket=bucket, Prefix=key)


def test_without_faults_everything_goes_through_as_it_is(through, bucket, direct):
    proxy, client = through()
    body = bytes(range(256)) * 2000

    put = client.put_object(Bucket=bucket, Key="a b%+é", Body=body, Metadata={"made-by": "tester"}, IfNoneMatch="*")

    assert client.get_object(Bucket=bucket, Key="a b%+é")["Body"].read() == body
    assert client.get_object(Bucket=bucket, Key="a b%+é", Range="bytes=2-4")["Body"].read() == body[2:5]
    assert client.head_object(Bucket=bucket, Key="a b%+é")["Metadata"] == {"made-by": "tester"}
    assert direct.head_object(Bucket=bucket, Key="a b%+é")["ETag"] == put["ETag"]
    assert [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket)["Contents"]] == ["a b%+é"]
    client.delete_object(Bucket=bucket, Key="a b%+é")
    assert not exists(direct, bucket, "a b")
    assert proxy.calls_of("tester") == 6
    assert not proxy.faults


def test_signatures_are_checked_behind_the_proxy(through, bucket):
    _, wrong = through(secret="wrong")
    _, right = through()
    right.put_object(Bucket=bucket, Key="a", Body=b"audio")
    url = right.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=60)

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        wrong.put_object(Bucket=bucket, Key="b", Body=b"")
    assert urllib.request.urlopen(url).read() == b"audio"  # noqa: S310  loopback
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url.replace("/a?", "/b?"))  # noqa: S310  loopback


def test_a_presigned_download_does_not_count_as_a_call_of_the_client(through, bucket):
    proxy, client = through()
    url = client.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket}, ExpiresIn=60)

    urllib.request.urlopen(url).close()  # noqa: S310  loopback

    assert proxy.calls_of("tester") == 0


@pytest.mark.parametrize(
    ("fault", "has_acted"),
    [(S3Fault.SLOW_DOWN, False), (S3Fault.CUT_BEFORE, False), (S3Fault.CUT_AFTER, True)],
)
def test_a_fault_spoils_the_request_before_or_after_s3_has_acted(through, bucket, direct, fault, has_acted):
    proxy, client = through({fault: 1.0})

    with pytest.raises((ClientError, BotoCoreError), match="SlowDown" if fault is S3Fault.SLOW_DOWN else None):
        client.put_object(Bucket=bucket, Key="a", Body=b"audio")

    assert exists(direct, bucket, "a") is has_acted
    assert proxy.faults == {fault.value: 1}


def test_an_answer_can_be_cut_in_its_middle(through, bucket, direct):
    direct.put_object(Bucket=bucket, Key="a", Body=bytes(100_000))
    proxy, client = through({S3Fault.CUT_WITHIN: 1.0})

    with pytest.raises(BotoCoreError):
        client.get_object(Bucket=bucket, Key="a")["Body"].read()
    assert proxy.faults == {S3Fault.CUT_WITHIN.value: 1}


def test_a_lost_reply_makes_a_client_that_sends_again_contradict_itself(through, bucket):
    """What makes conditional writes hard: the second attempt finds what the first one has written. White-box."""
    proxy, client = through({S3Fault.CUT_AFTER: 1.0}, tries=3)
    proxy.at_next_put("tester", Moment.AFTER_PUT, proxy._shares.clear)

    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket=bucket, Key="a", Body=b"", IfNoneMatch="*")

    assert proxy.faults == {S3Fault.CUT_AFTER.value: 1}


def test_in_a_brown_out_every_request_is_told_to_slow_down(through, bucket):
    proxy, client = through()
    proxy.is_browned_out = True

    with pytest.raises(ClientError, match="SlowDown"):
        client.list_objects_v2(Bucket=bucket)
    with pytest.raises(ClientError, match="503"):  # a HEAD has no body that could say more
        client.head_object(Bucket=bucket, Key="a")
    proxy.is_browned_out = False

    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize("moment", Moment)
def test_something_can_be_done_at_the_next_put_of_a_client(through, bucket, direct, moment):
    proxy, client = through()
    was_there = []
    proxy.at_next_put("tester", moment, lambda: was_there.append(exists(direct, bucket, "a")))

    client.list_objects_v2(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="a", Body=b"")
    client.put_object(Bucket=bucket, Key="b", Body=b"")

    assert was_there == [moment is Moment.AFTER_PUT]
    assert proxy.forget_watch("tester") is False


def test_the_seed_decides_what_becomes_of_the_nth_request(loop, servers):
    shares = {S3Fault.SLOW_DOWN: 0.3, S3Fault.CUT_AFTER: 0.3}
    drawn = [
        [proxy._draw() for _ in range(200)]
        for proxy in (S3Proxy(loop, servers.s3.ports["s3"], seed, shares) for seed in (1, 1, 2))
    ]

    assert drawn[0] == drawn[1] != drawn[2]


# Redis


@pytest.mark.parametrize(("fault", "value"), [(RedisFault.CUT_BEFORE, None), (RedisFault.CUT_AFTER, b"1")])
def test_a_connection_to_redis_is_dropped_before_or_after_the_command_was_done(loop, servers, fault, value):
    proxy = RedisProxy(loop, servers.redis.port, 1, {fault: 1.0})
    key = uuid.uuid4().hex
    bare = redis.Connection(host="127.0.0.1", port=int(proxy.url.split(":")[2].partition("/")[0]), protocol=2)
    # Nothing but the command itself is sent, so that the fault hits the command.
    bare._sock = bare._connect()
    bare._parser.on_connect(bare)
    bare.send_packed_command(bare.pack_command("INCR", key), check_health=False)

    with pytest.raises(redis.ConnectionError):
        bare.read_response()

    with redis.Redis.from_url(servers.redis_url) as direct:
        assert direct.get(key) == value
    assert proxy.faults == {fault.value: 1}


def test_all_connections_to_redis_can_be_dropped_and_new_ones_work(loop, servers):
    proxy = RedisProxy(loop, servers.redis.port, 1, {})
    with redis.Redis.from_url(proxy.url, socket_timeout=PATIENCE_S) as client:
        waits = threading.Event()
        ended = []

        def block():
            try:
                with redis.Redis.from_url(proxy.url, socket_timeout=PATIENCE_S, retry=None) as blocking:
                    blocking.ping()
                    waits.set()
                    blocking.blpop(uuid.uuid4().hex, timeout=PATIENCE_S)
            except redis.ConnectionError as error:
                ended.append(error)

        thread = threading.Thread(target=block)
        thread.start()
        assert waits.wait(PATIENCE_S)
        while thread.is_alive():
            proxy.drop_all()
            thread.join(0.05)

        assert ended
        assert client.ping()
