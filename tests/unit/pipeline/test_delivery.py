"""How fal gets at the audio: what each way ends in, and what is refused before the first job."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import builders
import httpx
import pytest
from hypothesis import given
from legal_keys import ODD, legal_keys

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.delivery import address, check_delivery, uploaded
from pipeline.errors import ConfigurationError, SourceGoneError, TransientError
from pipeline.models import Handling
from pipeline.speech.memory import ScriptedTranscriber
from pipeline.storage.base import CredentialTerm
from pipeline.storage.memory import MemoryStorage

SETTINGS = builders.settings()
START_S = SETTINGS.fal.start_timeout_s
PRESIGNED, UPLOAD, PUBLIC = (Handling(delivery=way) for way in ("presigned", "upload", "public"))


@pytest.fixture
def storage():
    return MemoryStorage()


def ends_in(seconds, **about):
    return CredentialTerm(builders.NOW + timedelta(seconds=seconds), is_temporary=True, **about)


def made(storage, handling=PRESIGNED, settings=SETTINGS, audio=None, version_id=None):
    return address(
        handling, audio or builders.audio(), version_id, storage=storage, settings=settings, now=builders.NOW
    )


def public(base, key="shows/ep 1.mp3"):
    return made(None, PUBLIC, builders.settings(NIGHTSCRIBE_AUDIO_PUBLIC_URL=base), builders.audio(key)).url


# Presigned.


def test_a_signed_url_opens_for_the_start_deadline_and_four_hours_more(storage):
    lasting = made(storage)

    assert lasting.expires_at == builders.NOW + timedelta(seconds=START_S, hours=4)
    assert f"X-Amz-Expires={SETTINGS.url_lifetime_s}" in lasting.url


def test_a_signed_url_ends_with_the_credentials_that_signed_it(storage):
    storage.term = ends_in(START_S + 60)

    assert made(storage).expires_at == storage.term.ends_at


def test_credentials_that_outlast_the_url_change_nothing(storage):
    storage.term = ends_in(10 * SETTINGS.url_lifetime_s)

    assert made(storage).expires_at == builders.NOW + timedelta(seconds=SETTINGS.url_lifetime_s)


def test_credentials_that_end_before_the_start_deadline_sign_nothing(storage):
    storage.term = ends_in(START_S - 1)

    with pytest.raises(ConfigurationError, match=r"end in 120 min .*fal\.start_timeout_s") as caught:
        made(storage)
    assert caught.value.reason == "credentials_too_short"


def test_credentials_that_will_be_replaced_are_waited_for(storage):
    storage.term = ends_in(START_S - 1, renews=True)

    with pytest.raises(TransientError, match="wait until the credentials are replaced") as caught:
        made(storage)
    assert (caught.value.reason, bool(caught.value.delay_s)) == ("credentials_end_soon", True)


# Public.


@given(legal_keys)
def test_any_legal_key_has_its_public_address(key):
    """As the clients of fal's own kind ask for it, which clean a URL up."""
    for base, before in (
        ("https://cdn.example.org", "/"),
        ("https://cdn.example.org/a/{bucket}/{key}", "/a/podcasts/"),
    ):
        url = public(base, key)
        asked = httpx.URL(url).raw_path.decode().partition("?")[0]

        assert url.isascii()
        assert unquote(urlsplit(url).path) == unquote(asked) == before + key


@pytest.mark.parametrize("key", ODD)
def test_a_key_may_also_stand_in_the_query(key):
    url = public("https://get.example.org/?file={key}&raw=1", key)

    assert parse_qs(urlsplit(url).query, keep_blank_values=True)["file"] == [key]


def test_no_two_public_addresses_are_equal_and_none_expires():
    first, second = (public("https://cdn.example.org/podcasts/") for _ in range(2))

    assert first != second
    assert first.startswith("https://cdn.example.org/podcasts/shows/ep%201.mp3?nightscribe=")
    assert made(None, PUBLIC, builders.settings(NIGHTSCRIBE_AUDIO_PUBLIC_URL="https://x.test")).expires_at is None


@pytest.mark.parametrize("base", ["cdn.example.org", "https://", "https://cdn.example.org/#part", "ftp://x/{key}"])
def test_what_is_no_web_address_is_no_public_url(base):
    with pytest.raises(ConfigurationError, match=r"audio\.public_url"):
        builders.settings(NIGHTSCRIBE_AUDIO_PUBLIC_URL=base)


# Uploads.


@pytest.fixture
def upload(storage):
    """Uploads a recording that is what was planned, unless told otherwise."""
    etag = storage.put(builders.BUCKET, "a/Ep 1.MP3", b"a recording")

    def run(cancel=None, transcriber=None, **changes):
        return uploaded(
            builders.audio(**{"key": "a/Ep 1.MP3", "etag": etag, "size_bytes": 11} | changes),
            storage=storage,
            transcriber=transcriber or ScriptedTranscriber(),
            settings=SETTINGS,
            cancel=cancel or CancellationToken(),
            now=lambda: builders.NOW,
        )

    return run


def test_an_upload_is_kept_as_long_as_a_url_would_open(upload):
    lasting = upload()

    assert f"kept={SETTINGS.url_lifetime_s}" in lasting.url
    assert lasting.expires_at == builders.NOW + timedelta(seconds=SETTINGS.url_lifetime_s)
    assert "canary" not in repr(lasting)


def test_an_upload_tells_fal_nothing_but_the_kind_of_file(upload):
    assert urlsplit(upload().url).path.endswith("/audio.mp3")


def test_a_source_that_was_replaced_is_not_uploaded(upload):
    with pytest.raises(SourceGoneError):
        upload(etag="another")


def test_an_upload_can_be_cancelled(upload):
    cancel = CancellationToken()
    cancel.cancel()

    with pytest.raises(Cancelled):
        upload(cancel)


# Before the first job.


class AwayStorage(MemoryStorage):
    """A store at another address."""

    def __init__(self, server):
        super().__init__()
        self._server = server

    @property
    def server(self):
        return self._server


@pytest.mark.parametrize("server", ["127.0.0.1:8333", "10.1.2.3", "[fe80::1]:9000", "minio.local:9000", "s3.internal"])
def test_a_store_that_fal_cannot_reach_is_refused_with_the_way_out(server):
    with pytest.raises(ConfigurationError, match="--delivery upload") as caught:
        check_delivery(PRESIGNED, AwayStorage(server), SETTINGS, builders.NOW)

    assert caught.value.reason == "endpoint_private"
    assert server in caught.value.message


@pytest.mark.parametrize(
    ("server", "handling", "variables"),
    [
        ("10.1.2.3", PRESIGNED, {"NIGHTSCRIBE_FAL_QUEUE_URL": "http://127.0.0.1:8000"}),
        ("10.1.2.3", UPLOAD, {}),
        ("10.1.2.3", PUBLIC, {"NIGHTSCRIBE_AUDIO_PUBLIC_URL": "https://cdn.example.org"}),
        ("s3.amazonaws.com", PRESIGNED, {}),
        ("8.8.8.8:9000", PRESIGNED, {}),
    ],
    ids=["fal is local too", "upload", "public", "AWS", "a public address"],
)
def test_a_store_that_fal_can_do_without_or_reach_is_none_of_our_business(server, handling, variables):
    assert check_delivery(handling, AwayStorage(server), builders.settings(**variables), builders.NOW) is None


def test_a_public_delivery_without_an_address_is_refused():
    with pytest.raises(ConfigurationError, match=r"audio\.public_url") as caught:
        check_delivery(PUBLIC, MemoryStorage(), SETTINGS, builders.NOW)

    assert caught.value.reason == "no_public_url"


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (CredentialTerm(), None),
        (CredentialTerm(is_temporary=True), "AWS_CREDENTIAL_EXPIRATION"),
        (ends_in(START_S - 60, renews=True), "wait until the credentials are replaced"),
        (ends_in(START_S + 60), None),
    ],
    ids=["a key", "a session of unknown length", "replaced soon", "long enough"],
)
def test_a_session_is_warned_of_when_it_may_end_too_soon(term, said):
    storage = AwayStorage("s3.amazonaws.com")
    storage.term = term

    warning = check_delivery(PRESIGNED, storage, SETTINGS, builders.NOW)

    assert (said in warning) if said else warning is None
    assert check_delivery(UPLOAD, storage, SETTINGS, builders.NOW) is None


def test_a_session_that_is_too_short_refuses_the_run():
    storage = AwayStorage("s3.amazonaws.com")
    storage.term = ends_in(START_S - 60)

    with pytest.raises(ConfigurationError, match=r"lower fal\.start_timeout_s"):
        check_delivery(PRESIGNED, storage, SETTINGS, builders.NOW)
