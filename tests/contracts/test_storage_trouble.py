"""What S3 storage makes of a store that conflicts, loses replies, breaks off, or ignores conditions."""

from __future__ import annotations

import socket
import uuid
from contextlib import suppress

import pytest
from s3_stores import Act, S3Proxy, moto_store, refusal, s3_storage, with_client

from pipeline.errors import ConfigurationError, ServiceUnavailableError, SourceGoneError, ThrottledError
from pipeline.storage.base import PreconditionFailedError
from pipeline.storage.conditions import check_conditional_writes

JSON = "application/json"
CONFLICT = refusal("PUT", 409, "ConditionalRequestConflict")


@pytest.fixture(scope="module")
def moto():
    with moto_store() as variables:
        yield variables


@pytest.fixture
def proxy(moto):
    with S3Proxy(moto["AWS_ENDPOINT_URL"]) as running:
        yield running


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def storage(monkeypatch, moto, proxy, pauses):
    yield from s3_storage(monkeypatch, moto | {"AWS_ENDPOINT_URL": proxy.url}, pause=pauses.append)


@pytest.fixture
def bucket(storage):
    name = f"b-{uuid.uuid4().hex[:12]}"
    with_client(lambda client: client.create_bucket(Bucket=name))
    return name


def test_a_write_that_meets_another_one_is_decided_anew_after_growing_pauses(storage, bucket, proxy, pauses):
    proxy.acts = [CONFLICT] * 4

    storage.write(bucket, "k", b"x", content_type=JSON)

    assert storage.read(bucket, "k").body == b"x"
    assert len(pauses) == 4
    assert all(ceiling / 2 <= pause <= ceiling for pause, ceiling in zip(pauses, [0.05, 0.1, 0.2, 0.4], strict=True))


def test_pauses_differ_so_that_writers_part(storage, bucket, proxy, pauses):
    for key in "ab":
        proxy.acts = [CONFLICT] * 4
        storage.write(bucket, key, b"x", content_type=JSON)

    assert pauses[:4] != pauses[4:]


def test_a_conflict_that_stays_is_an_outage_and_nothing_was_written(storage, bucket, proxy, pauses):
    proxy.acts = [CONFLICT] * 5

    with pytest.raises(ServiceUnavailableError, match=f"s3://{bucket}/k"):
        storage.write(bucket, "k", b"x", content_type=JSON)
    assert storage.read(bucket, "k") is None
    assert len(pauses) == 4


def test_a_conflict_that_ends_in_the_others_victory_is_a_lost_condition(storage, bucket, proxy):
    storage.write(bucket, "k", b"theirs", content_type=JSON)
    proxy.acts = [CONFLICT]

    with pytest.raises(PreconditionFailedError):
        storage.write(bucket, "k", b"ours", content_type=JSON)
    assert storage.read(bucket, "k").body == b"theirs"


@pytest.mark.parametrize("seen", [False, True], ids=["first write", "replacement"])
def test_a_write_whose_reply_is_lost_does_not_lose_against_itself(storage, bucket, proxy, seen):
    etag = storage.write(bucket, "k", b"before", content_type=JSON) if seen else None
    proxy.requests.clear()
    proxy.acts = [Act("PUT", lose_reply=True)]

    written = storage.write(bucket, "k", b"ours", content_type=JSON, if_match=etag)

    assert proxy.requests.count("PUT") == 2
    assert storage.head(bucket, "k").etag == written
    assert storage.read(bucket, "k").body == b"ours"


def test_a_write_that_was_sent_again_and_finds_anothers_bytes_has_lost(storage, bucket, proxy):
    storage.write(bucket, "k", b"theirs", content_type=JSON)
    proxy.acts = [Act("PUT", lose_reply=True)]

    with pytest.raises(PreconditionFailedError):
        storage.write(bucket, "k", b"ours", content_type=JSON)
    assert storage.read(bucket, "k").body == b"theirs"


def test_equal_bytes_that_stood_there_before_are_no_victory(storage, bucket, proxy):
    """Only a write that was sent twice may be its own rival."""
    storage.write(bucket, "k", b"same", content_type=JSON)
    proxy.requests.clear()

    with pytest.raises(PreconditionFailedError):
        storage.write(bucket, "k", b"same", content_type=JSON)
    assert proxy.requests == ["PUT"]


def test_not_modified_is_a_lost_condition(storage, bucket, proxy):
    etag = storage.write(bucket, "k", b"x", content_type=JSON)
    proxy.acts = [refusal("PUT", 304, "NotModified"), Act("PUT", 304), Act("GET", 304)]

    for if_match in (None, etag):
        with pytest.raises(PreconditionFailedError):
            storage.write(bucket, "k", b"y", content_type=JSON, if_match=if_match)
    with pytest.raises(SourceGoneError):
        storage.read_range(bucket, "k", 0, 1, if_match=etag)


def test_not_modified_where_nothing_was_asked_is_an_outage(storage, bucket, proxy):
    storage.write(bucket, "k", b"x", content_type=JSON)
    proxy.acts = [Act("HEAD", 304), Act("GET", 304)]

    for look in (storage.head, storage.read):
        with pytest.raises(ServiceUnavailableError, match=f"s3://{bucket}/k"):
            look(bucket, "k")


def test_a_body_that_breaks_off_is_read_again(storage, bucket, proxy):
    etag = storage.write(bucket, "k", b"0123456789", content_type=JSON)

    proxy.acts = [Act("GET", cut_at=4)]
    assert storage.read(bucket, "k").body == b"0123456789"
    proxy.acts = [Act("GET", cut_at=4)]
    assert storage.read_range(bucket, "k", 0, 10, if_match=etag).body == b"0123456789"


def test_a_store_that_never_answers_is_asked_as_often_as_is_set_and_no_oftener(monkeypatch, moto):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        variables = moto | {"AWS_ENDPOINT_URL": url, "NIGHTSCRIBE_S3_READ_TIMEOUT_S": "0.2"}
        for storage in s3_storage(monkeypatch, variables, pause=lambda _: None):
            with pytest.raises(ServiceUnavailableError, match="s3://b/k"):
                storage.read("b", "k")
        silent.setblocking(False)
        asked = 0
        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                asked += 1

    assert asked == 2  # max_attempts, as `s3_storage` sets it


def test_a_body_that_breaks_off_every_time_is_an_outage_and_never_a_shorter_object(storage, bucket, proxy):
    etag = storage.write(bucket, "k", b"0123456789", content_type=JSON)

    for read in (
        lambda: storage.read(bucket, "k"),
        lambda: storage.read_range(bucket, "k", 0, 10, if_match=etag),
    ):
        proxy.acts = [Act("GET", cut_at=4)] * 20
        proxy.requests.clear()
        with pytest.raises(ServiceUnavailableError, match=f"s3://{bucket}/k"):
            read()
        assert 1 < len(proxy.requests) <= 5


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("etag", [None, '"0123'], ids=["missing", "cut"])
def test_a_reply_that_breaks_off_among_its_headers_is_asked_for_again(storage, bucket, proxy, method, etag):
    """http.client takes the end of the connection for the end of the headers."""
    written = storage.write(bucket, "k", b"x", content_type=JSON)
    proxy.acts = [Act(method, etag=etag or "")]

    answer = storage.head(bucket, "k") if method == "HEAD" else storage.read(bucket, "k")

    assert answer.etag == written


def test_a_write_whose_reply_breaks_off_among_its_headers_is_known_by_its_content(storage, bucket, proxy):
    proxy.acts = [Act("PUT", etag="")]

    etag = storage.write(bucket, "k", b"x", content_type=JSON)

    assert storage.read(bucket, "k").etag == etag


def test_a_page_of_a_proxy_in_place_of_a_listing_is_an_outage(storage, bucket, proxy):
    proxy.acts = [Act("GET", 200, b"<html><p>Please log in")] * 2

    with pytest.raises(ServiceUnavailableError, match=f"s3://{bucket}/"):
        list(storage.list(bucket, ""))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InternalError", ServiceUnavailableError),
        ("SlowDown", ThrottledError),
        ("AccessDenied", ConfigurationError),
    ],
)
def test_one_that_could_not_be_deleted_among_many_is_named(storage, bucket, proxy, code, kind):
    failed = f"<Error><Key>b</Key><Code>{code}</Code><Message>said</Message></Error>"
    proxy.acts = [Act("POST", 200, f"<DeleteResult>{failed}{failed.replace('>b<', '>c<')}</DeleteResult>".encode())]

    with pytest.raises(kind, match=f"s3://{bucket}/b"):
        storage.delete_many(bucket, ["a", "b", "c"])


def test_one_that_was_gone_already_among_many_is_no_error(storage, bucket, proxy):
    gone = b"<DeleteResult><Error><Key>b</Key><Code>NoSuchKey</Code></Error></DeleteResult>"
    proxy.acts = [Act("POST", 200, gone)]

    storage.delete_many(bucket, ["a", "b"])

    assert proxy.acts == []


@pytest.mark.parametrize(
    ("without", "named"),
    [
        ({"if-none-match", "if-match"}, "ignores If-None-Match and If-Match on writes"),
        ({"if-none-match"}, "ignores If-None-Match on writes"),
        ({"if-match"}, "ignores If-Match on writes"),
    ],
    ids=["both", "first writes", "replacements"],
)
def test_a_store_that_ignores_conditions_is_refused_by_name_unless_it_was_accepted(monkeypatch, moto, without, named):
    with S3Proxy(moto["AWS_ENDPOINT_URL"], without) as ignoring:
        for storage in s3_storage(monkeypatch, moto | {"AWS_ENDPOINT_URL": ignoring.url}):
            with_client(lambda client: client.create_bucket(Bucket=f"b-{len(named)}"))
            place = (storage, f"b-{len(named)}", "_nightscribe/probe-1")

            with pytest.raises(ConfigurationError) as caught:
                check_conditional_writes(*place, exclusivity_by_redis_alone=False)
            warning = check_conditional_writes(*place, exclusivity_by_redis_alone=True)

            for message in (caught.value.message, warning):
                assert named in message
                assert ignoring.url.removeprefix("http://") in message
                assert "pay for, the same episode" in message
            assert caught.value.reason == "conditional_writes_ignored"
            assert "NIGHTSCRIBE_S3_EXCLUSIVITY_BY_REDIS_ALONE=true" in caught.value.message
            assert list(storage.list(place[1], "")) == []


def test_a_store_that_refuses_what_it_had_to_take_is_refused(storage, bucket, proxy):
    proxy.acts = [Act("PUT", 412)]

    with pytest.raises(ConfigurationError, match="condition holds"):
        check_conditional_writes(storage, bucket, "_nightscribe/probe-1", exclusivity_by_redis_alone=True)


def test_no_two_presigned_urls_are_equal(storage, bucket):
    """A request is found in fal's history by its URL, also when two were signed within one second."""
    urls = {storage.presign(bucket, "a.mp3", version_id=None, expires_s=60) for _ in range(20)}

    assert len(urls) == 20
