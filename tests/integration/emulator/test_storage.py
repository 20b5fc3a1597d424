"""Uploads to the emulated storage, over plain HTTP; what fal's own clients do is in tests/clients."""

import time

import httpx
import pytest
from audio_server import FILES

pytestmark = pytest.mark.integration

PATIENCE_S = 20
TONE = FILES["tone.wav"]


@pytest.fixture(scope="module")
def hasty(start_fal):
    """A day passes in less than two minutes, an hour in less than four seconds."""
    return start_fal("--engine", "scripted", "--service-s", "0.01", "--time-factor", "1000")


@pytest.fixture
def anyone():
    """A client without a key, as whoever opens a URL."""
    with httpx.Client(trust_env=False) as client:
        yield client


def token_of(fal):
    answer = fal.http.post("/storage/auth/token?storage_type=fal-cdn-v3", json={})
    assert answer.status_code == 200, answer.text
    return {"authorization": f"{answer.json()['token_type']} {answer.json()['token']}"}


def signed(fal, kind="initiate", **headers):
    body = {"file_name": "tone.wav", "content_type": "audio/wav"}
    answer = fal.http.post(f"/storage/upload/{kind}?storage_type=fal-cdn-v3", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def lifecycle(seconds):
    return {"x-fal-object-lifecycle": f'{{"expiration_duration_seconds": {seconds}}}'}


def test_the_runner_fetches_a_stored_file_as_any_other(anyone, fal):
    place = signed(fal)
    before = anyone.get(place["file_url"])
    anyone.put(place["upload_url"], content=TONE, headers={"content-type": "audio/wav"}).raise_for_status()

    stored = anyone.get(place["file_url"])

    assert (before.status_code, stored.content, stored.headers["content-type"]) == (404, TONE, "audio/wav")
    assert fal.transcribe(place["file_url"]).json()["chunks"][-1]["timestamp"][1] == 2.0
    assert fal.ledger()["calls"]["file"] == 3


def test_what_lies_under_fals_own_name_is_fetched_here(anyone, fal):
    path = signed(fal)
    anyone.put(path["upload_url"], content=TONE).raise_for_status()

    answer = fal.transcribe(path["file_url"].replace(fal.url, "https://v3.fal.media"))

    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/storage/auth/token", "/storage/upload/initiate", "/tokens/"])
def test_the_key_begins_and_nothing_else_does(anyone, fal, path):
    answer = anyone.post(f"{fal.url}{path}?storage_type=fal-cdn-v3", json={}, headers=token_of(fal))

    assert (answer.status_code, answer.json()) == (401, {"detail": "invalid key credentials"})


def test_the_key_is_no_token(fal):
    assert fal.http.post("/files/upload", content=b"x").status_code == 401
    assert fal.ledger()["files"] == []


def test_a_token_uploads_until_its_hour_is_over(anyone, hasty):
    token = token_of(hasty)
    deadline = time.monotonic() + PATIENCE_S
    while (answer := anyone.post(f"{hasty.url}/files/upload", content=b"x", headers=token)).status_code == 200:
        assert time.monotonic() < deadline

    assert (answer.status_code, answer.json()) == (401, {"detail": "invalid token"})


@pytest.mark.parametrize("signature", ["", "?signature=wrong"])
def test_a_signed_url_without_its_signature_is_nothing(anyone, fal, signature):
    url = signed(fal)["upload_url"].partition("?")[0] + signature

    assert anyone.put(url, content=b"x").status_code == 403


def test_a_key_on_a_signed_url_is_counted(anyone, fal):
    url = signed(fal)["upload_url"]

    anyone.put(url, content=b"x").raise_for_status()
    fal.http.put(url, content=b"y").raise_for_status()

    assert fal.ledger()["keys_given_away"] == 1


def test_parts_may_come_in_any_order_and_again(anyone, fal):
    url, _, query = signed(fal, "initiate-multipart")["upload_url"].partition("?")
    parts = []
    for number, content in [(2, b"wrong"), (2, b"two"), (1, b"one")]:
        answer = anyone.put(f"{url}/{number}?{query}", content=content)
        assert answer.headers["etag"] == answer.json()["etag"]
        parts = [part for part in parts if part["partNumber"] != number] + [answer.json()]

    done = anyone.post(f"{url}/complete?{query}", json={"parts": parts})

    assert anyone.get(done.json()["access_url"]).content == b"onetwo"


@pytest.mark.parametrize("parts", [[], [{"partNumber": 1, "etag": "other"}], [{"partNumber": 7, "etag": "x"}]])
def test_an_upload_is_not_completed_without_its_parts(anyone, fal, parts):
    place = signed(fal, "initiate-multipart")
    url, _, query = place["upload_url"].partition("?")
    anyone.put(f"{url}/1?{query}", content=b"one").raise_for_status()

    answer = anyone.post(f"{url}/complete?{query}", json={"parts": parts})

    assert (answer.status_code, anyone.get(place["file_url"]).status_code) == (400, 404)


def test_parts_of_one_account_are_closed_to_another(anyone, fal, other_key):
    begun = anyone.post(f"{fal.url}/files/upload/multipart", headers=token_of(fal)).json()
    strange = fal.http.post("/storage/auth/token?storage_type=fal-cdn-v3", json={}, headers=other_key).json()

    answer = anyone.put(
        f"{begun['access_url']}/multipart/{begun['uploadId']}/1",
        content=b"x",
        headers={"authorization": f"Bearer {strange['token']}"},
    )

    assert answer.status_code == 403


def test_a_file_dies_when_its_life_is_over_and_the_runner_finds_nothing(anyone, hasty):
    place = signed(hasty, **lifecycle(60))
    anyone.put(place["upload_url"], content=TONE).raise_for_status()
    deadline = time.monotonic() + PATIENCE_S
    while anyone.get(place["file_url"]).status_code == 200:
        assert time.monotonic() < deadline

    answer = hasty.transcribe(place["file_url"])

    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "file_download_error")


@pytest.mark.parametrize("seconds", ['"soon"', "true", "-1"])
def test_a_life_that_is_no_number_is_refused(fal, seconds):
    answer = fal.http.post(
        "/storage/upload/initiate",
        json={"file_name": "a", "content_type": "b"},
        headers=lifecycle(seconds),
    )

    assert answer.status_code == 422


def test_the_storage_fails_when_it_is_told_to(anyone, fal):
    fal.faults(
        {"on": "token", "times": 1, "do": {"status": 500}},
        {"on": "upload", "match": {"path_contains": "tone"}, "skip": 1, "times": 1, "do": {"status": 503}},
    )

    assert fal.http.post("/storage/auth/token?storage_type=fal-cdn-v3", json={}).status_code == 500
    place = signed(fal)
    assert anyone.put(place["upload_url"], content=b"x").status_code == 503
    assert anyone.get(place["file_url"]).status_code == 404
    anyone.put(place["upload_url"], content=b"x").raise_for_status()
