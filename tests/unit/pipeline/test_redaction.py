"""Secrets leave nothing behind in text that came from elsewhere (I9)."""

from __future__ import annotations

import pytest

from pipeline.redaction import redact, redact_json

PRESIGNED = (
    "https://podcasts.s3.amazonaws.com/show/ep1.mp3?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIACANARY%2F20261122%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261122T020000Z"
    "&X-Amz-Security-Token=canarytoken&X-Amz-Signature=canarysignature"
)


@pytest.mark.parametrize("secret", ["canarysignature", "AKIACANARY", "canarytoken"])
def test_a_presigned_url_loses_what_grants_access(secret):
    assert secret not in redact(f"could not download {PRESIGNED} (403)")


def test_a_presigned_url_still_names_its_object():
    assert "podcasts.s3.amazonaws.com/show/ep1.mp3" in redact(PRESIGNED)


@pytest.mark.parametrize(
    "url",
    [
        "https://v3.fal.media/files/b/canary/audio.mp3",
        "https://fal.media/canary",
        "http://127.0.0.1:8000/files/canary/audio.mp3",
        r"https:\/\/v3b.fal.media\/files\/b\/canary\/audio.mp3",
        "https%3A%2F%2Fv3.fal.media%2Ffiles%2Fb%2Fcanary%2Faudio.mp3",
    ],
)
def test_a_file_in_fals_storage_loses_its_path_which_is_all_it_takes_to_read_it(url):
    assert "canary" not in redact(f'could not download "{url}" (404)')
    assert redact_json({"input": {"audio_url": url}}) != {"input": {"audio_url": url}}


def test_a_public_folder_of_another_host_stays_readable():
    assert (
        redact("see https://cdn.example.org/shows/files/ep1.mp3") == "see https://cdn.example.org/shows/files/ep1.mp3"
    )


def test_a_url_that_is_encoded_inside_another_is_found():
    assert "canary" not in redact("next=https%3A%2F%2Fs3%2Fx%3FX-Amz-Signature%3Dcanary&page=2")


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Key 11111111-2222-3333-4444-555555555555:canarycanarycanary00",
        "{'authorization': 'Key canary:canary'}",
        "authorization=Bearer canary",
        "key 11111111-2222-3333-4444-555555555555:canarycanarycanary00 was refused",
        "https://host/x?AWSAccessKeyId=canary&Signature=canary&Expires=1",
        "https://host/x?sig=canary&se=2026",
        "next=https%253A%252F%252Fs3%252Fx%253FX-Amz-Signature%253Dcanary%2526page",
        r'{"url": "https://s3/x?X-Amz-Date=1\u0026X-Amz-Signature\u003dcanary"}',
        '<a href="https://s3/x?a=b&amp;X-Amz-Signature&#61;canary">',
        "x-amz-security-token: canary",
        '{"X-Amz-Signature": "canary"}',
        r'"{\"X-Amz-Credential\": \"canary\"}"',
        "redis://user:canary@host:6379/0 is away",
        "https://:canary@host",
        'no connection to "http://user:c@n:canary@host:80/bucket/key"',
    ],
)
def test_keys_and_headers_are_found(text):
    assert "canary" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "422 unsupported_audio_format for shows/ep 1.mp3: signature of the times; token rings",
        "GET http://127.0.0.1:9000/bucket/me@home.mp3 of http://user@host/",
        "see https://host:8080 or write to us: me@host.test",
        "the parameters X-Amz-Signature, X-Amz-Credential... are left out",
    ],
)
def test_ordinary_text_is_left_as_it_is(text):
    assert text == redact(text)


def test_json_is_redacted_at_every_depth():
    echoed = {"detail": [{"type": "file_download_error", "input": {"audio_url": PRESIGNED}, "n": [1, None, True]}]}

    redacted = redact_json(echoed)

    assert "canary" not in str(redacted)
    assert redacted["detail"][0]["n"] == [1, None, True]


def test_parameters_of_a_presigned_url_are_found_one_by_one():
    parsed = {"query": {"X-Amz-Signature": "canary", "x-amz-date": "1"}, "headers": {"Authorization": ["Key canary"]}}

    assert redact_json(parsed) == {
        "query": {"X-Amz-Signature": "REDACTED", "x-amz-date": "1"},
        "headers": {"Authorization": "REDACTED"},
    }
