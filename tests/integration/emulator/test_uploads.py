"""Our uploads against the emulator of fal's storage: whole files and parts come out as they went in."""

import urllib.error
import urllib.request

import pytest
from emulated_fal import KEY
from pydantic import SecretStr

from pipeline.errors import AccountError
from pipeline.settings import load_settings
from pipeline.speech.base import Recording
from pipeline.speech.fal.uploads import ONE_PUT_BYTES, PART_BYTES, Uploads


def uploads(fal, key=KEY):
    variables = {"NIGHTSCRIBE_FAL_QUEUE_URL": fal.url, "NIGHTSCRIBE_FAL_REST_URL": fal.url}
    return Uploads(load_settings(variables).settings.fal, SecretStr(key), "test/1", pause=lambda _: None)


def numbered(size_bytes):
    """Audio whose bytes tell where they belong, made as they are read."""

    def read(start, length):
        end = min(start + length, size_bytes)
        first, last = start // 8, -(-end // 8)
        return b"".join(number.to_bytes(8, "big") for number in range(first, last))[start % 8 :][: end - start]

    return Recording("s3://podcasts/ep1.mp3", "audio.mp3", size_bytes, read)


def opened(url):
    with urllib.request.urlopen(url) as answer:  # noqa: S310  a loopback URL of our own
        return answer.read()


@pytest.mark.parametrize("size_bytes", [0, 1, 1_000_003])
def test_a_file_comes_out_as_it_went_in(fal, size_bytes):
    recording = numbered(size_bytes)

    url = uploads(fal).upload(recording, lifetime_s=600)

    assert opened(url) == recording.read(0, size_bytes)
    (file,) = fal.ledger()["files"]
    assert (file["file_name"], file["content_type"], file["life_s"]) == ("audio.mp3", "audio/mpeg", 600.0)
    assert fal.ledger()["keys_given_away"] == 0


def test_a_large_file_is_joined_of_its_parts_although_some_are_sent_twice(fal):
    size_bytes = ONE_PUT_BYTES + PART_BYTES + 7
    recording = numbered(size_bytes)
    fal.faults(
        {"on": "upload", "times": 1, "do": {"status": 503}},
        {"on": "upload", "skip": 3, "times": 2, "do": "lose_reply"},
    )

    url = uploads(fal).upload(recording, lifetime_s=600)

    body = opened(url)
    assert len(body) == size_bytes
    for start in (0, PART_BYTES - 4, ONE_PUT_BYTES - 8, size_bytes - 8):
        assert body[start : start + 8] == recording.read(start, 8)
    assert fal.ledger()["keys_given_away"] == 0


def test_a_file_is_gone_after_its_lifetime(start_fal):
    fast = start_fal("--engine", "scripted", "--time-factor", "100000")

    url = uploads(fast).upload(numbered(8), lifetime_s=60)

    with pytest.raises(urllib.error.HTTPError) as caught:
        opened(url)
    assert caught.value.code == 404
    caught.value.close()


def test_a_bad_key_uploads_nothing(fal):
    with pytest.raises(AccountError):
        uploads(fal, "33333333-cccc:canary-secret-bad").upload(numbered(8), lifetime_s=60)
    assert fal.ledger()["files"] == []
