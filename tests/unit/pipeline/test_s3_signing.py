"""Presigned URLs lead to the bucket's own region, to one version, and to the right bill. Nobody is asked but a stub."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest
from s3_stores import in_region, s3_storage

from pipeline.errors import ConfigurationError, ServiceUnavailableError

KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "testing"}
PAYS = {"NIGHTSCRIBE_S3_REQUEST_PAYER": "true"}


@pytest.fixture
def make(monkeypatch):
    """Makes clients of ours, and closes them."""
    made = []

    def build(**variables):
        made.append(s3_storage(monkeypatch, KEYS | variables))
        return next(made[-1])

    yield build
    for storage in made:
        list(storage)


def presigned(storage, bucket="podcasts", key="ep1.mp3", version_id=None):
    return urlsplit(storage.presign(bucket, key, version_id=version_id, expires_s=60))


def query_of(url):
    return {name: values[0] for name, values in parse_qs(url.query).items()}


def region_of(url):
    return query_of(url)["X-Amz-Credential"].split("/")[2]


@pytest.mark.parametrize(
    ("bucket", "region", "host", "path"),
    [
        ("podcasts", "eu-west-1", "podcasts.s3.eu-west-1.amazonaws.com", "/ep1.mp3"),
        ("pod.casts", "eu-west-1", "s3.eu-west-1.amazonaws.com", "/pod.casts/ep1.mp3"),
        ("podcasts", "af-south-1", "podcasts.s3.af-south-1.amazonaws.com", "/ep1.mp3"),
        ("podcasts", "us-east-1", "podcasts.s3.amazonaws.com", "/ep1.mp3"),
    ],
)
def test_a_url_is_signed_for_the_region_and_host_of_its_bucket(make, bucket, region, host, path):
    storage = make()
    in_region(storage, region)

    url = presigned(storage, bucket)

    assert (url.hostname, url.path, region_of(url)) == (host, path, region)


@pytest.mark.parametrize("status", [200, 403])
def test_a_bucket_is_asked_for_its_region_once_however_many_slots_sign_and_whatever_it_allows(make, status):
    storage = make()
    asked = in_region(storage, "eu-west-1", status)

    with ThreadPoolExecutor(8) as slots:
        urls = list(slots.map(lambda number: presigned(storage, key=f"{number}.mp3"), range(40)))

    assert {region_of(url) for url in urls} == {"eu-west-1"}
    assert len(asked) == 1


def test_a_bucket_that_is_not_there_is_said_so(make):
    storage = make()
    in_region(storage, "", 404)

    with pytest.raises(ConfigurationError, match=r"HeadBucket of s3://podcasts/ep1\.mp3"):
        presigned(storage)


def test_another_store_is_not_asked_and_its_host_stays(make):
    storage = make(AWS_ENDPOINT_URL="https://minio.example.org:9000")
    asked = in_region(storage, "eu-west-1")

    url = presigned(storage)

    assert (url.netloc, url.path, region_of(url)) == ("minio.example.org:9000", "/podcasts/ep1.mp3", "us-east-1")
    assert asked == []


@pytest.mark.parametrize(
    "variables", [PAYS, PAYS | {"AWS_ENDPOINT_URL": "https://minio.example.org"}], ids=["AWS", "another store"]
)
def test_that_the_requester_pays_is_said_in_the_query_for_fal_sends_no_headers_of_ours(make, variables):
    storage = make(**variables)
    in_region(storage, "eu-west-1")

    query = query_of(presigned(storage))

    assert (query["x-amz-request-payer"], query["X-Amz-SignedHeaders"]) == ("requester", "host")


def test_nobody_pays_for_others_unasked(make):
    storage = make()
    in_region(storage, "eu-west-1")

    assert "x-amz-request-payer" not in query_of(presigned(storage))


def test_every_request_that_can_says_that_the_requester_pays(make):
    storage = make(**PAYS, AWS_ENDPOINT_URL="http://127.0.0.1:9")
    sent = []

    def refuse(request, **_):
        sent.append((request.method, request.headers.get("x-amz-request-payer")))
        raise OSError

    storage._client.meta.events.register("before-send.s3", refuse)

    for ask in (
        lambda: storage.page("podcasts", ""),
        lambda: storage.head("podcasts", "a"),
        lambda: storage.read_range("podcasts", "a", 0, 1, if_match="e"),
        lambda: storage.write("podcasts", "a", b"", content_type="text/plain"),
    ):
        with pytest.raises((ServiceUnavailableError, OSError)):
            ask()

    assert {method for method, _ in sent} == {"GET", "HEAD", "PUT"}
    assert {payer for _, payer in sent} in ({"requester"}, {b"requester"})
