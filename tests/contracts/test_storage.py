"""The contract of `Storage`, over a dictionary, moto and SeaweedFS: conditions, odd keys, order, ranges."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
import uuid

import pytest
from s3_stores import s3_storage, with_client

from pipeline.errors import ConfigurationError, ServiceUnavailableError, SourceGoneError
from pipeline.storage.base import PreconditionFailedError
from pipeline.storage.conditions import check_conditional_writes
from pipeline.storage.memory import MemoryStorage

JSON = "application/json"
# SeaweedFS folds `//` into `/` and keeps no control characters; AWS and moto take every key.
ODD_KEYS = [
    "with space.mp3",
    "per%cent+plus&and=equals.mp3",
    "quotes'\"`.mp3",
    "émoji 🎙️/日本語.mp3",
    "caf\u00e9.mp3",
    "cafe\u0301.mp3",
    "..//a/../b.mp3",
    "//leading.mp3",
    "control\x01\x1f.mp3",
    "line\nbreak\ttab.mp3",
    "é" * 120 + "/" + "é" * 120 + ".mp3",
    "#hash?query.mp3",
]


@pytest.fixture
def storage(kind, request, monkeypatch):
    if kind == "memory":
        yield MemoryStorage()
        return
    variables = request.getfixturevalue("moto_server" if kind == "moto" else "seaweedfs")
    yield from s3_storage(monkeypatch, variables)


@pytest.fixture
def bucket(kind, storage):
    name = f"b-{uuid.uuid4().hex[:12]}"
    if kind != "memory":
        with_client(lambda client: client.create_bucket(Bucket=name))
    return name


def sent_by(storage):
    """The names of the operations that this client sends from now on."""
    names = []
    storage._client.meta.events.register("before-call.s3", lambda model, **_: names.append(model.name))
    return names


def cannot_keep(kind, key):
    """Why this server cannot hold this key; empty when it can."""
    if kind == "seaweedfs" and ("//" in key or ".." in key or not key.isprintable()):
        return "SeaweedFS cannot keep this key; AWS and moto can"
    if kind == "moto" and "\n" in key:
        return "moto's server routes by line and does not see this key"
    return ""


def test_a_write_without_an_etag_creates_and_never_replaces(storage, bucket):
    etag = storage.write(bucket, "k", b"one", content_type=JSON)

    with pytest.raises(PreconditionFailedError):
        storage.write(bucket, "k", b"two", content_type=JSON)
    assert storage.read(bucket, "k").body == b"one"
    assert storage.read(bucket, "k").etag == etag


def test_a_write_with_an_etag_replaces_exactly_what_was_seen(storage, bucket):
    first = storage.write(bucket, "k", b"one", content_type=JSON)
    second = storage.write(bucket, "k", b"two", content_type=JSON, if_match=first)

    with pytest.raises(PreconditionFailedError):
        storage.write(bucket, "k", b"three", content_type=JSON, if_match=first)
    assert (storage.read(bucket, "k").body, storage.head(bucket, "k").etag) == (b"two", second)


def test_a_write_with_an_etag_never_creates(storage, bucket):
    with pytest.raises(PreconditionFailedError):
        storage.write(bucket, "gone", b"x", content_type=JSON, if_match="0" * 32)


def test_of_many_writers_at_once_exactly_one_wins(storage, bucket):
    won, together = [], threading.Barrier(8)

    def reach(number):
        together.wait()
        try:
            storage.write(bucket, "k", str(number).encode(), content_type=JSON)
        except PreconditionFailedError:
            return
        won.append(str(number).encode())

    threads = [threading.Thread(target=reach, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert won == [storage.read(bucket, "k").body]


def test_a_store_that_keeps_conditions_passes_the_check_and_nothing_of_it_remains(storage, bucket):
    warning = check_conditional_writes(storage, bucket, "_nightscribe/probe-1", exclusivity_by_redis_alone=False)

    assert warning is None
    assert list(storage.list(bucket, "")) == []


def test_metadata_comes_back_with_a_head(storage, bucket):
    storage.write(bucket, "k", b"x", content_type=JSON, metadata={"nightscribe": '{"a": "b c"}'})

    head = storage.head(bucket, "k")

    assert (head.size_bytes, dict(head.metadata)) == (1, {"nightscribe": '{"a": "b c"}'})


def test_what_is_not_there_is_none_and_deleting_it_is_no_error(storage, bucket):
    storage.delete(bucket, "nothing")

    assert storage.head(bucket, "nothing") is None
    assert storage.read(bucket, "nothing") is None


def test_deleting_makes_room_for_a_new_first_write(storage, bucket):
    storage.write(bucket, "k", b"one", content_type=JSON)
    storage.delete(bucket, "k")

    storage.write(bucket, "k", b"two", content_type=JSON)

    assert storage.read(bucket, "k").body == b"two"


def test_many_are_deleted_with_a_request_per_thousand_and_missing_ones_are_no_error(storage, bucket, kind):
    keys = [f"intents/{number:04}.json" for number in range(1003)]
    for key in [keys[0], *keys[-2:], "intents/other.json"]:
        storage.write(bucket, key, b"x", content_type=JSON)
    requests = sent_by(storage) if kind != "memory" else ["DeleteObjects"] * 2

    storage.delete_many(bucket, set(keys))

    assert [entry.key for entry in storage.list(bucket, "")] == ["intents/other.json"]
    assert requests[:2] == ["DeleteObjects"] * 2
    storage.delete_many(bucket, [])
    assert requests.count("DeleteObjects") == 2


@pytest.mark.parametrize("key", ODD_KEYS)
def test_any_legal_key_is_deleted_among_many(storage, bucket, kind, key):
    if cannot_keep(kind, key):
        pytest.skip(cannot_keep(kind, key))
    for name in (key, "plain.mp3"):
        storage.write(bucket, name, b"x", content_type=JSON)

    storage.delete_many(bucket, [key, "plain.mp3"])

    assert list(storage.list(bucket, "")) == []


def test_ranges_read_parts_of_the_version_that_was_planned(storage, bucket):
    etag = storage.write(bucket, "k", b"0123456789", content_type=JSON)

    assert storage.read_range(bucket, "k", 0, 4, if_match=etag).body == b"0123"
    assert storage.read_range(bucket, "k", 8, 100, if_match=etag).body == b"89"


def test_a_range_of_another_version_says_that_the_source_is_gone(storage, bucket):
    etag = storage.write(bucket, "k", b"old", content_type=JSON)
    storage.write(bucket, "k", b"new and longer", content_type=JSON, if_match=etag)

    with pytest.raises(SourceGoneError):
        storage.read_range(bucket, "k", 0, 2, if_match=etag)
    storage.delete(bucket, "k")
    with pytest.raises(SourceGoneError):
        storage.read_range(bucket, "k", 0, 2, if_match=etag)


def test_a_listing_comes_in_the_order_of_utf8_bytes_and_across_pages(storage, bucket):
    keys = [f"p/{number:04}" for number in range(1050)] + ["p/Z", "p/a", "p/é", "p/😀", "p/\uffee"]
    together = threading.Semaphore(16)

    def put(key):
        with together:
            storage.write(bucket, key, b"x", content_type=JSON)

    threads = [threading.Thread(target=put, args=(key,)) for key in [*keys, "q/other"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry.key for entry in storage.list(bucket, "p/")] == sorted(keys, key=str.encode)


@pytest.mark.parametrize("key", ODD_KEYS)
def test_any_legal_key_comes_back_as_it_was_written(storage, bucket, kind, key):
    if cannot_keep(kind, key):
        pytest.skip(cannot_keep(kind, key))
    etag = storage.write(bucket, key, b"x", content_type=JSON)

    assert [(entry.key, entry.etag) for entry in storage.list(bucket, "")] == [(key, etag)]
    assert storage.head(bucket, key).etag == etag


def test_a_presigned_url_opens_the_object_without_credentials(storage, bucket, kind):
    if kind == "memory":
        pytest.skip("a dictionary serves no URLs")
    storage.write(bucket, "shows/an é+%.mp3", b"sound", content_type="audio/mpeg")

    url = storage.presign(bucket, "shows/an é+%.mp3", version_id=None, expires_s=60)

    with urllib.request.urlopen(url) as answer:  # noqa: S310  a loopback URL of our own
        assert answer.read() == b"sound"


def test_a_presigned_url_that_was_changed_opens_nothing(storage, bucket, kind):
    if kind != "seaweedfs":
        pytest.skip("only a server that checks signatures can tell")
    storage.write(bucket, "a.mp3", b"sound", content_type="audio/mpeg")
    storage.write(bucket, "b.mp3", b"secret", content_type="audio/mpeg")

    url = storage.presign(bucket, "a.mp3", version_id=None, expires_s=60)

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url.replace("a.mp3", "b.mp3"))  # noqa: S310  a loopback URL of our own
    assert caught.value.code == 403
    caught.value.close()


def test_a_bucket_that_does_not_exist_is_named_with_what_to_do(storage, kind):
    if kind == "memory":
        pytest.skip("a dictionary has no buckets")

    with pytest.raises(ConfigurationError) as caught:
        list(storage.list("no-such-bucket-here", ""))

    assert "s3://no-such-bucket-here/" in caught.value.message
    assert "Check the name" in caught.value.message


def test_wrong_credentials_are_told_from_an_outage(seaweedfs, monkeypatch):
    for storage in s3_storage(monkeypatch, seaweedfs | {"AWS_SECRET_ACCESS_KEY": "canary"}):
        with pytest.raises(ConfigurationError) as caught:
            list(storage.list("podcasts", ""))

        assert "AWS_SECRET_ACCESS_KEY" in caught.value.message
        assert "canary" not in caught.value.message


def test_a_store_that_does_not_answer_is_unavailable(seaweedfs, monkeypatch):
    for storage in s3_storage(monkeypatch, seaweedfs | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}):
        with pytest.raises(ServiceUnavailableError) as caught:
            storage.head("podcasts", "a.mp3")

        assert "AWS_ENDPOINT_URL" in caught.value.message


def test_missing_credentials_say_which_variables_to_set(seaweedfs, monkeypatch):
    variables = {"AWS_ENDPOINT_URL": seaweedfs["AWS_ENDPOINT_URL"], "AWS_EC2_METADATA_DISABLED": "true"}
    for storage in s3_storage(monkeypatch, variables):
        with pytest.raises(ConfigurationError) as caught:
            storage.head("podcasts", "a.mp3")

        assert "AWS_ACCESS_KEY_ID" in caught.value.message
