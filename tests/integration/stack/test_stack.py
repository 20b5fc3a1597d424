"""The stack's servers are real: they check keys, keep their data, and say what is wrong when they cannot start."""

import json
import urllib.error
import urllib.request

import boto3
import pytest
import redis
from botocore.exceptions import ClientError

from emulator.stack import BUCKET, Stack, StackError
from emulator.stack.processes import OwnedProcess

pytestmark = pytest.mark.integration


def s3_client(stack, **changes):
    variables = stack.environment
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=changes.get("secret", variables["AWS_SECRET_ACCESS_KEY"]),
        region_name=variables["AWS_REGION"],
    )
    return session.client("s3", endpoint_url=variables["AWS_ENDPOINT_URL"])


def test_redis_answers_and_never_evicts(stack):
    with redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        assert client.ping()
        assert client.config_get("maxmemory-policy", "appendonly") == {
            "maxmemory-policy": "noeviction",
            "appendonly": "yes",
        }


def test_s3_stores_under_any_key_that_the_archive_has(stack):
    client = s3_client(stack)

    client.put_object(Bucket=BUCKET, Key="Lyrik & Lärm/100% #3.flac", Body=b"audio")

    assert client.get_object(Bucket=BUCKET, Key="Lyrik & Lärm/100% #3.flac")["Body"].read() == b"audio"


def test_s3_refuses_a_wrong_secret(stack):
    client = s3_client(stack, secret="not the secret")

    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client.list_objects_v2(Bucket=BUCKET)


def test_s3_refuses_a_presigned_url_that_was_tampered_with(stack):
    client = s3_client(stack)
    client.put_object(Bucket=BUCKET, Key="a.mp3", Body=b"a")
    client.put_object(Bucket=BUCKET, Key="b.mp3", Body=b"b")
    url = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "a.mp3"})

    with urllib.request.urlopen(url) as answer:  # noqa: S310  loopback
        assert answer.read() == b"a"
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(url.replace("a.mp3", "b.mp3"))  # noqa: S310  loopback
    refused.value.close()


def test_the_emulator_knows_the_stacks_key_and_no_other(stack):
    def submit(key):
        body = json.dumps({"audio_url": "http://127.0.0.1:9/a.mp3"}).encode()
        headers = {"Authorization": f"Key {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{stack.fal_url}/fal-ai/whisper", body, headers)  # noqa: S310  loopback
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310  loopback
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.status

    assert submit(stack.environment["FAL_KEY"]) == 200
    assert submit("somebody:else") == 401


def test_no_secret_is_on_a_command_line(stack):
    words = " ".join(" ".join(map(str, server.process.args)) for server in (stack.redis, stack.s3, stack.fal))

    assert stack.fal.key not in words
    assert stack.s3.secret_key not in words
    assert stack.s3.access_key not in words


def test_a_server_that_crashes_comes_back_at_the_same_address_with_its_data(tmp_path):
    with Stack(tmp_path / "stack", engine="scripted") as stack:
        before = stack.environment
        with redis.Redis.from_url(stack.redis_url) as client:
            client.set("a", "1")
            client.waitaof(1, 0, 2000)
        stack.s3.client().put_object(Bucket=BUCKET, Key="a", Body=b"1")

        for server in (stack.redis, stack.s3, stack.fal):
            server.kill()
            server.start()

        assert stack.environment == before
        with redis.Redis.from_url(stack.redis_url) as client:
            assert client.get("a") == b"1"
        assert stack.s3.client().get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"1"


def test_a_server_that_cannot_start_is_named_with_its_log_and_the_others_are_ended(tmp_path, gone, monkeypatch):
    pids = []

    class Recorded(OwnedProcess):
        def __init__(self, *command, **options):
            super().__init__(*command, **options)
            pids.append(self.popen.pid)

    monkeypatch.setattr("emulator.stack.server.OwnedProcess", Recorded)

    with pytest.raises(StackError, match=r"(?s)fal ended with 2.*no-such-option"):
        Stack(tmp_path / "stack", engine="scripted", fal_options=["--no-such-option"]).start()

    assert len(pids) >= 3
    assert gone(pids)


def test_without_the_emulator_only_storage_is_started(tmp_path):
    with Stack(tmp_path / "stack", with_fal=False) as stack:
        assert "FAL_KEY" not in stack.environment
        assert stack.s3.client().list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_an_existing_redis_is_used_with_a_prefix_of_its_own_and_left_as_it_was(tmp_path, stack, monkeypatch):
    monkeypatch.setenv("REDIS_URL", stack.redis_url)

    with redis.Redis.from_url(stack.redis_url) as client:
        client.set("somebody else's", "1")
        with Stack(tmp_path / "guest", with_fal=False) as guest:
            prefix = guest.environment["NIGHTSCRIBE_REDIS_KEY_PREFIX"]
            assert guest.redis_url == stack.redis_url
            client.set(f"{prefix}run", "1")

        assert client.exists(f"{prefix}run") == 0
        assert client.get("somebody else's") == b"1"


def test_an_existing_redis_that_is_away_is_said_without_its_password(tmp_path, monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@127.0.0.1:1/0")

    with pytest.raises(StackError, match="does not answer") as raised:
        Stack(tmp_path / "stack", with_fal=False).start()

    assert "hunter2" not in str(raised.value)
