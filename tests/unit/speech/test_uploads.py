"""Uploads to fal's storage, which is a stand-in: what is sent where, in which pieces, and what a failure means."""

from __future__ import annotations

import json
import tracemalloc

import httpx
import pytest
from pydantic import SecretStr

from pipeline.cancellation import Cancelled
from pipeline.errors import (
    AccountError,
    BadInputError,
    ConfigurationError,
    ServiceUnavailableError,
    SourceGoneError,
    ThrottledError,
)
from pipeline.settings import load_settings
from pipeline.speech.base import Recording
from pipeline.speech.fal.uploads import ONE_PUT_BYTES, PART_BYTES, Uploads

REST, CDN = "https://rest.fal.ai", "https://v3.fal.media"
FILE_URL = f"{CDN}/files/b/canaryfile/audio.mp3"
UPLOAD_URL = f"{CDN}/signed/1?signature=canarysignature"
KEY = "canary-id:canary-secret"


class FakeStorage(httpx.BaseTransport):
    """Plays what is scripted for `METHOD path`, once each, and otherwise obeys; keeps the beginnings of bodies."""

    def __init__(self):
        self.scripts = {}
        self.requests = []
        self.bodies = {}

    def handle_request(self, request):
        name = f"{request.method} {request.url.path}"
        self.requests.append(request)
        taken = b""
        for piece in request.stream:
            taken += piece[:10_000] if len(taken) < 10_000 else b""
        self.bodies.setdefault(name, []).append(taken)
        if script := self.scripts.get(name):
            act = script.pop(0)
            if isinstance(act, Exception):
                raise act
            return act
        if "/initiate" in name:
            return httpx.Response(200, json={"upload_url": UPLOAD_URL, "file_url": FILE_URL})
        number = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json={"partNumber": number, "etag": f'"{number}"'})

    def told(self):
        return [f"{request.method} {request.url.path}" for request in self.requests]


@pytest.fixture
def fal():
    return FakeStorage()


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def uploads(fal, pauses):
    return Uploads(load_settings({}).settings.fal, SecretStr(KEY), "test/1", fal, pauses.append)


def recording(size_bytes=11, name="audio.mp3", read=None):
    return Recording("s3://podcasts/ep1.mp3", name, size_bytes, read or (lambda start, length: b"x" * length))


def upload(uploads, what=None, lifetime_s=600):
    return uploads.upload(what or recording(), lifetime_s=lifetime_s)


def test_a_file_goes_up_in_two_calls_and_gets_its_lifetime(uploads, fal):
    assert upload(uploads) == FILE_URL

    assert fal.told() == ["POST /storage/upload/initiate", "PUT /signed/1"]
    begin, put = fal.requests
    assert begin.url.params["storage_type"] == "fal-cdn-v3"
    assert json.loads(fal.bodies["POST /storage/upload/initiate"][0]) == {
        "file_name": "audio.mp3",
        "content_type": "audio/mpeg",
    }
    for name in ("X-Fal-Object-Lifecycle", "X-Fal-Object-Lifecycle-Preference"):
        assert json.loads(begin.headers[name]) == {"expiration_duration_seconds": 600}
    assert fal.bodies["PUT /signed/1"] == [b"x" * 11]
    assert put.headers["content-length"] == "11"
    assert put.headers["content-type"] == "audio/mpeg"
    assert "transfer-encoding" not in put.headers


@pytest.mark.parametrize("size_bytes", [11, ONE_PUT_BYTES + 1])
def test_the_key_goes_to_the_rest_host_and_never_to_a_signed_url(uploads, fal, size_bytes):
    upload(uploads, recording(size_bytes))

    with_key = {request.url.host for request in fal.requests if "authorization" in request.headers}
    assert with_key == {"rest.fal.ai"}
    assert fal.requests[0].headers["authorization"] == f"Key {KEY}"


def test_a_large_file_goes_up_in_parts_one_after_the_other(uploads, fal):
    size_bytes = ONE_PUT_BYTES + PART_BYTES // 2

    assert upload(uploads, recording(size_bytes)) == FILE_URL

    numbers = range(1, 11)
    assert fal.told() == [
        "POST /storage/upload/initiate-multipart",
        *(f"PUT /signed/1/{number}" for number in numbers),
        "POST /signed/1/complete",
    ]
    lengths = [int(request.headers["content-length"]) for request in fal.requests[1:-1]]
    assert lengths == [PART_BYTES] * 9 + [PART_BYTES // 2]
    assert {request.url.query for request in fal.requests[1:]} == {b"signature=canarysignature"}
    named = json.loads(fal.bodies["POST /signed/1/complete"][0])["parts"]
    assert named == [{"partNumber": number, "etag": f'"{number}"'} for number in numbers]


def test_an_etag_may_also_come_in_a_header(uploads, fal):
    fal.scripts["PUT /signed/1/1"] = [httpx.Response(200, headers={"ETag": '"header"'})]

    upload(uploads, recording(ONE_PUT_BYTES + 1))

    assert json.loads(fal.bodies["POST /signed/1/complete"][0])["parts"][0]["etag"] == '"header"'


def test_memory_does_not_grow_with_the_file(uploads):
    asked = []

    def read(start, length):
        asked.append(length)
        return bytes(length)

    tracemalloc.start()
    upload(uploads, recording(12 * PART_BYTES, read=read))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sum(asked) == 12 * PART_BYTES
    assert peak_bytes < 3 * PART_BYTES


@pytest.mark.parametrize(
    "act",
    [httpx.Response(503), httpx.Response(429), httpx.ConnectError("no"), httpx.ReadTimeout("late"), OSError("cut")],
    ids=["503", "429", "no connection", "no answer", "cut"],
)
@pytest.mark.parametrize(
    "call", ["POST /storage/upload/initiate-multipart", "PUT /signed/1/2", "POST /signed/1/complete"]
)
def test_what_passes_is_tried_again_and_a_part_alone(uploads, fal, pauses, act, call):
    fal.scripts[call] = [act]

    assert upload(uploads, recording(ONE_PUT_BYTES + 1)) == FILE_URL

    assert fal.told().count(call) == 2
    assert len(fal.requests) == 13
    assert len(pauses) == 1


@pytest.mark.parametrize("call", ["POST /storage/upload/initiate", "PUT /signed/1"])
def test_what_stays_is_put_off(uploads, fal, call):
    fal.scripts[call] = [httpx.Response(500, text=f"lost {UPLOAD_URL} {KEY}")] * 3

    with pytest.raises(ServiceUnavailableError, match=r"s3://podcasts/ep1\.mp3") as caught:
        upload(uploads)

    assert caught.value.reason == "upload_failed"
    assert fal.told().count(call) == 3


def test_fal_may_ask_to_wait(uploads, fal):
    fal.scripts["POST /storage/upload/initiate"] = [httpx.Response(429, headers={"Retry-After": "30"})]

    with pytest.raises(ThrottledError) as caught:
        upload(uploads)
    assert caught.value.delay_s == 30


@pytest.mark.parametrize(
    ("call", "status", "error"),
    [
        ("POST /storage/upload/initiate", 401, AccountError),
        ("POST /storage/upload/initiate", 403, AccountError),
        ("POST /storage/upload/initiate", 404, ConfigurationError),
        ("POST /storage/upload/initiate", 422, BadInputError),
        ("PUT /signed/1", 413, BadInputError),
        ("PUT /signed/1", 403, ServiceUnavailableError),
    ],
    ids=["bad key", "no scope", "no such API", "refused", "too large", "its URL has expired"],
)
def test_a_refusal_names_its_class(uploads, fal, call, status, error):
    fal.scripts[call] = [httpx.Response(status, json={"detail": f"no: {UPLOAD_URL} {FILE_URL} {KEY}"})] * 3

    with pytest.raises(error) as caught:
        upload(uploads)

    assert type(caught.value) is error
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"upload_url": "ftp://x", "file_url": "https://x"}', b'{"upload_url": 1}']
)
def test_an_answer_that_names_no_place_is_an_outage(uploads, fal, body):
    fal.scripts["POST /storage/upload/initiate"] = [httpx.Response(200, content=body)]

    with pytest.raises(ServiceUnavailableError, match="names no place"):
        upload(uploads)


def test_a_part_that_is_not_confirmed_is_an_outage(uploads, fal):
    fal.scripts["PUT /signed/1/1"] = [httpx.Response(200, text="")]

    with pytest.raises(ServiceUnavailableError, match="confirm"):
        upload(uploads, recording(ONE_PUT_BYTES + 1))


@pytest.mark.parametrize("error", [SourceGoneError("replaced"), Cancelled(), ServiceUnavailableError("S3 is away")])
def test_what_reading_raises_ends_the_upload_at_once(uploads, fal, error):
    def read(_start, _length):
        raise error

    with pytest.raises(type(error)) as caught:
        upload(uploads, recording(read=read))

    assert caught.value is error
    assert fal.told() == ["POST /storage/upload/initiate", "PUT /signed/1"]


def test_an_upload_that_is_not_wanted_any_more_is_not_begun(uploads, fal):
    def check():
        raise Cancelled

    with pytest.raises(Cancelled):
        upload(uploads, Recording("s3://podcasts/ep1.mp3", "audio.mp3", 11, lambda *_: b"", check))
    assert fal.requests == []


def test_an_object_that_is_shorter_than_listed_is_not_sent_as_if_it_were_whole(uploads):
    with pytest.raises(ServiceUnavailableError, match="shorter"):
        upload(uploads, recording(read=lambda _start, _length: b""))


@pytest.mark.parametrize(
    "changes",
    [{"rest_url": ""}, {"queue_url": "http://127.0.0.1:9"}],
    ids=["there is none", "fal's beside an emulator"],
)
def test_where_nothing_can_be_uploaded_that_is_said_and_nobody_is_asked(fal, changes):
    settings = load_settings({}).settings.fal.model_copy(update=changes)

    with pytest.raises(ConfigurationError, match=r"fal\.rest_url"):
        upload(Uploads(settings, SecretStr(KEY), "test/1", fal))
    assert fal.requests == []


@pytest.mark.parametrize(("name", "kind"), [("audio", "application/octet-stream"), ("audio.wav", "audio/")])
def test_the_kind_of_file_is_told_as_far_as_its_name_tells_it(uploads, fal, name, kind):
    upload(uploads, recording(name=name))

    assert fal.requests[1].headers["content-type"].startswith(kind)
