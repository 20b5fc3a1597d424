"""The benchmarks' S3 server, judged by boto3, s5cmd and our own storage: a fast server that lies proves nothing."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from bench.archive import SHAPES, SIDECAR_SUFFIX, Archive
from bench.http_server import dechunked
from bench.night import S5CMD
from botocore.exceptions import ClientError

from pipeline import sidecars
from pipeline.errors import ConfigurationError, SourceGoneError
from pipeline.models import SidecarStamp
from pipeline.storage.base import PreconditionFailedError
from pipeline.storage.conditions import check_conditional_writes

JSON = "application/json"
ODD_KEYS = [
    "with space.mp3",
    "per%cent+plus&and=equals.mp3",
    "a%2Bb.mp3",
    "émoji 🎙️/日本語.mp3",
    "<b>&amp;\"quotes'.mp3",
    "..//a/../b.mp3",
    "//leading.mp3",
    "control\x01\x1f.mp3",
    "line\nbreak\ttab\r.mp3",
    "#hash?query.mp3",
    "é" * 511 + "ab",
    "\U0010ffff\uffff\ufffe",
]


@pytest.fixture
def bucket(archive_server):
    """An empty one."""
    name = f"b-{uuid.uuid4().hex[:12]}"
    archive_server.make(name)
    return name


def expected(archive):
    """Every key of a generated archive with ETag and size, in order."""
    for number in range(archive.objects):
        entries = (
            [archive.audio(number)] if archive.is_new(number) else [archive.audio(number), archive.sidecar(number)]
        )
        yield from ((entry.key, entry.etag, entry.size_bytes) for entry in entries)


def by_boto3(client, bucket, **options):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, **options)
    return [
        (entry["Key"], entry["ETag"].strip('"'), entry["Size"]) for page in pages for entry in page.get("Contents", ())
    ]


@pytest.mark.parametrize("shape", SHAPES)
def test_boto3_lists_exactly_what_was_generated(archive_server, client, shape):
    archive = Archive("archive", objects=1700, new=3, shape=shape)
    archive_server.make("archive", objects=1700, new=3, shape=shape)
    archive_server.reset()

    assert by_boto3(client, "archive") == list(expected(archive))
    assert archive_server.counts().operations == {"list": 4}
    assert archive_server.counts().keys["archive"] == 3397


@pytest.mark.parametrize("shape", SHAPES)
def test_s5cmd_lists_exactly_what_was_generated(archive_server, shape):
    archive = Archive("archive", objects=1700, new=3, shape=shape)
    archive_server.make("archive", objects=1700, new=3, shape=shape)
    command = [S5CMD, "--json", "--endpoint-url", archive_server.url, "ls", "--show-fullpath", "s3://archive/*"]

    outcome = subprocess.run(
        command, env=archive_server.environment() | archive_server.variables(), capture_output=True, check=True
    )

    lines = map(json.loads, outcome.stdout.splitlines())
    found = [(line["key"].removeprefix("s3://archive/"), line["etag"], line["size"]) for line in lines]
    assert found == list(expected(archive))


def test_tokens_and_start_after_lead_to_the_same_keys(archive_server, client):
    archive_server.make("archive", objects=30, new=7, shape="hex")
    archive = Archive("archive", objects=30, new=7, shape="hex")
    by_token, by_key, token, after = [], [], {}, ""
    for _ in range(6):
        page = client.list_objects_v2(Bucket="archive", MaxKeys=10, **token)
        token = {"ContinuationToken": page["NextContinuationToken"]} if page["IsTruncated"] else {}
        by_token.extend([entry["Key"] for entry in page["Contents"]])
        page = client.list_objects_v2(Bucket="archive", MaxKeys=10, StartAfter=after)
        after = page["Contents"][-1]["Key"]
        by_key.extend([entry["Key"] for entry in page["Contents"]])
        assert page["KeyCount"] == len(page["Contents"])

    assert by_token == by_key
    assert by_token == [key for key, *_ in expected(archive)]
    assert token == {}


@pytest.mark.parametrize("key", ODD_KEYS)
def test_any_legal_key_comes_back_as_it_was_written(client, storage, bucket, key):
    etag = storage.write(bucket, key, b"x", content_type=JSON)
    client.put_object(Bucket=bucket, Key=f"{key[:300]}2", Body=b"yy")

    assert {(entry.key, entry.etag) for entry in storage.list(bucket, key[:300])} >= {(key, etag)}
    assert [name for name, *_ in by_boto3(client, bucket)] == sorted([key, f"{key[:300]}2"], key=str.encode)
    assert storage.read(bucket, key).body == b"x"
    storage.delete_many(bucket, [key, f"{key[:300]}2"])
    assert by_boto3(client, bucket) == []


def test_s5cmd_lists_keys_with_spaces_and_signs(archive_server, client, bucket):
    keys = [key for key in ODD_KEYS if key.isprintable() and "//" not in key]
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"x")
    command = [S5CMD, "--json", "--endpoint-url", archive_server.url, "ls", "--show-fullpath", f"s3://{bucket}/*"]

    outcome = subprocess.run(
        command, env=archive_server.environment() | archive_server.variables(), capture_output=True, check=True
    )

    found = {json.loads(line)["key"].removeprefix(f"s3://{bucket}/") for line in outcome.stdout.splitlines()}
    assert found == set(keys)


def test_what_is_written_is_listed_between_what_was_generated(archive_server, client):
    archive_server.make("archive", objects=3, shape="flat")
    middle = "episode-000000002.mp3.intruder"
    client.put_object(Bucket="archive", Key=middle, Body=b"x")
    client.put_object(Bucket="archive", Key="_nightscribe/latest.json", Body=b"{}")
    client.delete_object(Bucket="archive", Key="episode-000000001.mp3")

    assert [key for key, *_ in by_boto3(client, "archive")] == [
        "_nightscribe/latest.json",
        "episode-000000001.mp3.transcript.json",
        "episode-000000002.mp3",
        middle,
        "episode-000000002.mp3.transcript.json",
        "episode-000000003.mp3",
        "episode-000000003.mp3.transcript.json",
    ]
    assert [key for key, *_ in by_boto3(client, "archive", Prefix="_nightscribe/")] == ["_nightscribe/latest.json"]
    assert len(by_boto3(client, "archive", Prefix="episode-000000002")) == 3


def test_our_storage_finds_its_conditions_kept(storage, bucket):
    first = storage.write(bucket, "k", b"one", content_type=JSON)
    with pytest.raises(PreconditionFailedError):
        storage.write(bucket, "k", b"two", content_type=JSON)
    second = storage.write(bucket, "k", b"two", content_type=JSON, if_match=first)
    with pytest.raises(PreconditionFailedError):
        storage.write(bucket, "k", b"three", content_type=JSON, if_match=first)
    with pytest.raises(PreconditionFailedError):
        storage.write(bucket, "gone", b"x", content_type=JSON, if_match="0" * 32)
    assert (storage.read(bucket, "k").body, storage.head(bucket, "k").etag) == (b"two", second)
    storage.delete(bucket, "k")
    storage.delete(bucket, "k")
    assert (storage.head(bucket, "k"), storage.read(bucket, "k")) == (None, None)
    assert check_conditional_writes(storage, bucket, "probe", exclusivity_by_redis_alone=False) is None
    assert list(storage.list(bucket, "")) == []


def test_of_many_writers_at_once_exactly_one_wins(storage, bucket):
    def reach(number):
        try:
            storage.write(bucket, "k", str(number).encode(), content_type=JSON)
        except PreconditionFailedError:
            return None
        return str(number).encode()

    with ThreadPoolExecutor(8) as writers:
        (won,) = [body for body in writers.map(reach, range(8)) if body]

    assert storage.read(bucket, "k").body == won


def test_ranges_and_conditions_of_reads(archive_server, storage, bucket):
    etag = storage.write(bucket, "k", b"0123456789", content_type=JSON)
    archive_server.make("archive", objects=1)
    audio = Archive("archive", objects=1).audio(0)

    assert storage.read_range(bucket, "k", 0, 4, if_match=etag).body == b"0123"
    assert storage.read_range(bucket, "k", 8, 100, if_match=etag).body == b"89"
    assert storage.read_range("archive", audio.key, 100, 4, if_match=audio.etag).body == bytes(4)
    with pytest.raises(SourceGoneError):
        storage.read_range(bucket, "k", 0, 4, if_match="0" * 32)


def test_a_head_shows_a_sidecars_stamp_and_no_stamp_where_there_is_none(archive_server, storage):
    archive_server.make("archive", objects=4, new=1)
    archive = Archive("archive", objects=4, new=1)

    audio = storage.head("archive", archive.key(0))
    stamp = sidecars.from_metadata(storage.head("archive", archive.key(0) + SIDECAR_SUFFIX).metadata)

    assert (audio.size_bytes, dict(audio.metadata)) == (archive.audio(0).size_bytes, {})
    assert stamp == SidecarStamp.model_validate(archive.stamp(0))
    assert storage.head("archive", archive.key(3) + SIDECAR_SUFFIX) is None


def test_metadata_and_type_come_back(storage, client, bucket):
    storage.write(bucket, "k", b"x", content_type=JSON, metadata={"nightscribe": '{"a": "b c"}'})

    assert dict(storage.head(bucket, "k").metadata) == {"nightscribe": '{"a": "b c"}'}
    assert client.get_object(Bucket=bucket, Key="k")["ContentType"] == JSON


def test_every_request_is_counted_by_what_it_does(archive_server, storage, client, bucket):
    archive_server.reset()
    storage.write(bucket, "_nightscribe/intents/1.json", b"x", content_type=JSON)
    storage.write(bucket, "a.mp3", b"x", content_type=JSON)
    storage.read(bucket, "a.mp3.transcript.json")
    storage.head(bucket, "a.mp3")
    storage.delete(bucket, "a.mp3")
    storage.delete_many(bucket, ["_nightscribe/intents/1.json", "b"])
    list(storage.list(bucket, ""))
    client.get_bucket_location(Bucket=bucket)

    counts = archive_server.counts()

    assert counts.operations == {"put": 2, "get": 1, "head": 1, "delete": 1, "delete_many": 1, "list": 1, "other": 1}
    assert counts.areas == {"intent": 1, "audio": 3, "sidecar": 1}
    assert counts.requests == 8


def test_what_it_does_not_know_it_refuses(storage, client, bucket):
    for act in (
        lambda: client.list_objects_v2(Bucket=bucket, Delimiter="/"),
        lambda: client.list_objects(Bucket=bucket),
        lambda: client.copy_object(Bucket=bucket, Key="a", CopySource=f"{bucket}/b"),
        lambda: client.create_multipart_upload(Bucket=bucket, Key="a"),
        lambda: client.get_object_tagging(Bucket=bucket, Key="a"),
    ):
        with pytest.raises(ClientError) as caught:
            act()
        assert caught.value.response["Error"]["Code"] == "NotImplemented"
    with pytest.raises(ConfigurationError, match="Check the name"):
        list(storage.list("no-such-bucket", ""))


def test_bodies_in_chunks_are_understood_whole(archive_server, client, bucket):
    body = b"".join(
        (
            b"5;chunk-signature=00\r\nhello\r\n",
            b"8\r\n, night!\r\n",
            b"0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
        )
    )
    headers = {
        "Content-Encoding": "aws-chunked",
        "X-Amz-Decoded-Content-Length": "13",
        "X-Amz-Trailer": "x-amz-checksum-crc32",
    }
    with closing(http.client.HTTPConnection("127.0.0.1", archive_server.port, timeout=30)) as door:
        for key, sent, framed in (
            ("sized", body, headers),
            ("framed twice", iter([body[:9], body[9:]]), headers | {"Transfer-Encoding": "chunked"}),
        ):
            door.request("PUT", f"/{bucket}/{key.replace(' ', '%20')}", sent, framed, encode_chunked=True)
            assert door.getresponse().read() == b""

    for key in ("sized", "framed twice"):
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == b"hello, night!"


@pytest.mark.parametrize("cut", range(len(b"3\r\nabc\r\n0\r\na:b\r\n\r\n")))
def test_chunks_are_incomplete_until_their_last_byte(cut):
    framed = b"3\r\nabc\r\n0\r\na:b\r\n\r\n"

    assert dechunked(framed[:cut]) == (None, 0)
    assert dechunked(framed + b"GET /") == (b"abc", len(framed))


def test_a_page_that_takes_its_time_holds_nobody_else_up(archive_server, storage):
    archive_server.make("archive", objects=10)
    archive_server.set_latency(list_s=600.0)  # never, as far as this test is concerned
    try:
        with socket.create_connection(("127.0.0.1", archive_server.port)) as waiting:
            waiting.sendall(b"GET /archive?list-type=2 HTTP/1.1\r\nhost: bench\r\n\r\n")

            assert storage.read("archive", "nothing") is None
            archive_server.set_latency(list_s=0.0)
            assert len(list(storage.list("archive", ""))) == 20

            waiting.setblocking(False)
            with pytest.raises(BlockingIOError):
                waiting.recv(1)
    finally:
        archive_server.set_latency(list_s=0.0)
