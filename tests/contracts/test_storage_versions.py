"""Versioned buckets and encrypted objects: what was planned is what is read and signed, and nothing rests on an MD5."""

from __future__ import annotations

import hashlib
import urllib.request
import uuid
from functools import partial

import pytest
from s3_stores import Act, S3Proxy, s3_storage, with_client

from pipeline.errors import SourceGoneError
from pipeline.storage.memory import MemoryStorage

AUDIO = "audio/mpeg"


@pytest.fixture
def storage(kind, request, monkeypatch):
    if kind == "memory":
        yield MemoryStorage(has_versions=True)
        return
    yield from s3_storage(monkeypatch, request.getfixturevalue("moto_server" if kind == "moto" else "seaweedfs"))


@pytest.fixture
def bucket(kind, storage):
    """A bucket that keeps versions."""
    name = f"b-{uuid.uuid4().hex[:12]}"
    if kind != "memory":
        with_client(partial(_make, name))
    return name


def _make(name, client):
    client.create_bucket(Bucket=name)
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})


def opened(url):
    with urllib.request.urlopen(url) as answer:  # noqa: S310  a loopback URL of our own
        return answer.read()


def test_a_read_tells_the_version_that_it_is_of(storage, bucket):
    first = storage.write(bucket, "k", b"one", content_type=AUDIO)
    seen = storage.read_range(bucket, "k", 0, 10, if_match=first)
    second = storage.write(bucket, "k", b"two", content_type=AUDIO, if_match=first)
    then = storage.read_range(bucket, "k", 0, 10, if_match=second)

    assert (seen.body, then.body) == (b"one", b"two")
    assert seen.version_id
    assert then.version_id == storage.head(bucket, "k").version_id
    assert seen.version_id != then.version_id


def test_where_no_versions_are_kept_none_is_told(storage, kind):
    if kind == "memory":
        storage = MemoryStorage()
    else:
        with_client(lambda client: client.create_bucket(Bucket="plain"))
    etag = storage.write("plain", "k", b"one", content_type=AUDIO)

    assert storage.read_range("plain", "k", 0, 10, if_match=etag).version_id is None


def test_a_source_that_was_overwritten_is_noticed_although_its_version_is_still_there(storage, bucket):
    first = storage.write(bucket, "k", b"one", content_type=AUDIO)
    storage.write(bucket, "k", b"two", content_type=AUDIO, if_match=first)

    with pytest.raises(SourceGoneError):
        storage.read_range(bucket, "k", 0, 10, if_match=first)


def test_a_url_opens_the_version_that_was_looked_at_whatever_is_written_later(storage, bucket, kind):
    if kind == "memory":
        pytest.skip("a dictionary serves no URLs")
    first = storage.write(bucket, "shows/ep é.mp3", b"one", content_type=AUDIO)
    version_id = storage.read_range(bucket, "shows/ep é.mp3", 0, 1, if_match=first).version_id
    url = storage.presign(bucket, "shows/ep é.mp3", version_id=version_id, expires_s=60)

    storage.write(bucket, "shows/ep é.mp3", b"two", content_type=AUDIO, if_match=first)

    assert opened(url) == b"one"


def test_where_versions_may_not_be_read_the_url_names_none(moto_server, monkeypatch):
    """With s3:GetObject alone S3 answers 403 to whoever names a version, and fal would get no audio at all."""
    with S3Proxy(moto_server["AWS_ENDPOINT_URL"]) as proxy:
        for storage in s3_storage(monkeypatch, moto_server | {"AWS_ENDPOINT_URL": proxy.url}):
            with_client(partial(_make, "denied"))
            etag = storage.write("denied", "k", b"one", content_type=AUDIO)
            version_id = storage.read_range("denied", "k", 0, 1, if_match=etag).version_id
            proxy.acts = [Act("HEAD", 403)]
            proxy.requests.clear()

            urls = [storage.presign("denied", "k", version_id=version_id, expires_s=60) for _ in range(5)]

            assert proxy.requests == ["HEAD"], "once per bucket"
            assert not any("versionId" in url for url in urls)
            assert opened(urls[0]) == b"one"


def test_an_object_whose_etag_is_no_md5_is_read_signed_and_fenced(moto_server, monkeypatch):
    """SSE-KMS, and every multipart upload. moto gives an MD5 also with KMS, so that one of parts stands for both."""
    for storage in s3_storage(monkeypatch, moto_server):
        body = with_client(_put_in_parts)
        head = storage.head("encrypted", "k")

        assert head.etag != hashlib.md5(body, usedforsecurity=False).hexdigest()
        assert storage.read_range("encrypted", "k", 0, 4, if_match=head.etag).body == body[:4]
        assert opened(storage.presign("encrypted", "k", version_id=None, expires_s=60)) == body
        with pytest.raises(SourceGoneError):
            storage.read_range("encrypted", "k", 0, 4, if_match="0" * 32)


def _put_in_parts(client):
    client.create_bucket(Bucket="encrypted")
    begun = client.create_multipart_upload(Bucket="encrypted", Key="k", ServerSideEncryption="aws:kms")
    where = {"Bucket": "encrypted", "Key": "k", "UploadId": begun["UploadId"]}
    body = bytes(5 << 20)
    part = client.upload_part(**where, PartNumber=1, Body=body)
    client.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert client.head_object(Bucket="encrypted", Key="k")["ServerSideEncryption"] == "aws:kms"
    return body
