"""How the emulator reads paths, keys, URLs and arguments: pure parts of emulator.fal."""

import pytest

from emulator.fal.access import Access
from emulator.fal.addresses import RequestAddress, app_of, parse_request_address
from emulator.fal.models import InvalidArgumentsError, languages, read_arguments
from emulator.fal.models.wizper import WizperArguments
from emulator.fal.request import audio_path_of, audio_url_of, bare_url


@pytest.mark.parametrize(
    ("endpoint_id", "app_id"),
    [
        ("fal-ai/whisper", "fal-ai/whisper"),
        ("fal-ai/elevenlabs/speech-to-text/scribe-v2", "fal-ai/elevenlabs"),
        ("workflows/owner/app/step", "workflows/owner/app"),
        ("comfy/owner/app", "comfy/owner/app"),
    ],
)
def test_the_app_of_an_endpoint_is_its_first_two_parts_after_a_namespace(endpoint_id, app_id):
    assert app_of(endpoint_id) == app_id


@pytest.mark.parametrize(
    ("path", "prefix", "verb"),
    [
        ("/a/b/requests/ID/status", "a/b", "status"),
        ("/a/b/requests/ID/status/", "a/b", "status"),
        ("/a/b/requests/ID/status/stream", "a/b", "stream"),
        ("/a/b/requests/ID", "a/b", "result"),
        ("/a/b/requests/ID/response/", "a/b", "result"),
        ("/a/b/c/requests/ID/cancel", "a/b/c", "cancel"),
        ("/workflows/a/b/requests/ID", "workflows/a/b", "result"),
    ],
)
def test_a_path_about_a_request_is_read_in_every_form(path, prefix, verb):
    assert parse_request_address(path) == RequestAddress(prefix, "ID", verb)


@pytest.mark.parametrize("path", ["/", "/a/b", "/a/requests/b", "/a/b/requests", "/a/b/requests/ID/other"])
def test_other_paths_are_about_no_request(path):
    assert parse_request_address(path) is None


def test_an_account_is_known_by_its_key_and_shows_nothing_of_it():
    access = Access(frozenset({"one:secret", "two:secret"}))

    owners = {access.owner("Key one:secret"), access.owner("Key two:secret")}

    assert len(owners) == 2
    assert not any("secret" in owner for owner in owners)
    assert [access.owner(text) for text in (None, "", "Key", "Key one", "Bearer one:secret")] == [None] * 5


@pytest.mark.parametrize(
    ("url", "bare", "path"),
    [
        ("http://h:1/bucket/a%20b.mp3?sig=x#y", "http://h:1/bucket/a%20b.mp3", "/bucket/a b.mp3"),
        ("https://user:pass@h/k", "https://h/k", "/k"),
        ("data:audio/wav;base64,AAAA", "data:", ""),
        ("http://[", "", ""),
        ("plain", "plain", "plain"),
    ],
)
def test_a_url_is_kept_without_its_secrets(url, bare, path):
    assert (bare_url(url), audio_path_of(url)) == (bare, path)


@pytest.mark.parametrize("body", [None, [], "text", {}, {"audio_url": 3}])
def test_a_body_without_an_audio_url_has_an_empty_one(body):
    assert not audio_url_of(body)


def test_the_languages_are_the_99_of_whisper_without_auto():
    assert len(languages.WHISPER) == 99
    assert "auto" not in languages.WHISPER


def test_wizper_hears_english_unless_told_and_whisper_detects():
    url = {"audio_url": "http://h/a"}

    assert read_arguments("fal-ai/wizper", url).language == "en"
    assert read_arguments("fal-ai/whisper", url).language is None
    assert isinstance(read_arguments("fal-ai/wizper", url | {"chunk_level": "anything"}), WizperArguments)


@pytest.mark.parametrize("body", [[], None, {}, {"audio_url": "x", "num_speakers": 0}])
def test_wrong_arguments_are_listed_below_body(body):
    with pytest.raises(InvalidArgumentsError) as caught:
        read_arguments("fal-ai/whisper", body)

    assert caught.value.errors[0]["loc"][0] == "body"
