"""The three ways of handing one recording to fal, each ending in a URL and the moment from which it opens nothing."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote

from pipeline.cancellation import CancellationToken
from pipeline.errors import ConfigurationError, TransientError
from pipeline.models import AudioObject, Handling
from pipeline.settings import Settings
from pipeline.speech.base import Recording, Transcriber
from pipeline.storage.base import CredentialTerm, Storage

# Any name would do: the key says more about an episode than fal has to know. Its end tells FFmpeg what to expect.
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}$")
# HTTP clients take these names for the way to another folder.
_DOTS = re.compile(r"(?<=/)\.{1,2}(?=[/?]|$)")
_RENEWED_SOON_S = 60.0


@dataclass(frozen=True, slots=True)
class AudioUrl:
    """A URL at which fal can read the audio until `expires_at`; None: for ever.

    Secret unless it is public: in no log, and in S3 only as a hash.
    """

    url: str = field(repr=False)
    expires_at: datetime | None


def address(
    handling: Handling,
    audio: AudioObject,
    version_id: str | None,
    *,
    storage: Storage,
    settings: Settings,
    now: datetime,
) -> AudioUrl:
    """The URL of audio that stays where it is: `presigned`, or public."""
    if handling.delivery == "public":
        return _public(settings.audio.public_url, audio)
    return presigned(audio, version_id, storage=storage, settings=settings, now=now)


def presigned(
    audio: AudioObject, version_id: str | None, *, storage: Storage, settings: Settings, now: datetime
) -> AudioUrl:
    """A signed URL for that version, or whatever stands there where the store keeps none.

    Raises what `check_term` raises: fal must be able to open it whenever it may still begin.
    """
    term = storage.credential_term(at_least_s=settings.fal.start_timeout_s)
    check_term(term, settings, now)
    lifetime_s = settings.url_lifetime_s
    # Before the signature is made: the URL lives a little longer than we say, never shorter.
    expires_at = now + timedelta(seconds=lifetime_s)
    url = storage.presign(audio.bucket, audio.key, version_id=version_id, expires_s=lifetime_s)
    return AudioUrl(url, min(expires_at, term.ends_at) if term.ends_at else expires_at)


def check_term(term: CredentialTerm, settings: Settings, now: datetime) -> None:
    """Raises `ConfigurationError` (`credentials_too_short`) when the credentials end before the start deadline.

    Raises `TransientError` (`credentials_end_soon`) instead when they will be replaced by then.
    """
    if term.ends_at is None or (left_s := (term.ends_at - now).total_seconds()) >= settings.fal.start_timeout_s:
        return
    fault = (
        f"The AWS credentials end in {max(left_s, 0.0) / 60:.0f} min ({term.ends_at:%Y-%m-%d %H:%M:%SZ}), and a "
        "presigned URL with them, but fal may begin a request until "
        f"{settings.fal.start_timeout_s / 60:.0f} min after its submission (fal.start_timeout_s)."
    )
    if term.renews:
        raise TransientError(
            f"{fault} Jobs wait until the credentials are replaced; a shorter fal.start_timeout_s spares that.",
            "credentials_end_soon",
            _RENEWED_SOON_S,
        )
    raise ConfigurationError(
        f"{fault} Nothing was submitted. Use credentials that last longer (a longer session, or a key without one), "
        "lower fal.start_timeout_s, or use --delivery upload.",
        "credentials_too_short",
    )


def uploaded(
    audio: AudioObject,
    *,
    storage: Storage,
    transcriber: Transcriber,
    settings: Settings,
    cancel: CancellationToken,
    now: Callable[[], datetime],
) -> AudioUrl:
    """Brings the audio to fal's storage, read piece by piece, each on the condition of the planned ETag.

    Raises `SourceGoneError` when it is replaced or deleted meanwhile, `Cancelled`, and what `Transcriber.upload`
    raises.
    """

    def read(start: int, length: int) -> bytes:
        cancel.raise_if_cancelled()
        return storage.read_range(audio.bucket, audio.key, start, length, if_match=audio.etag).body

    found = _EXTENSION.search(audio.key)
    recording = Recording(
        uri=audio.uri,
        file_name=f"audio{found[0].lower() if found else ''}",
        size_bytes=audio.size_bytes,
        read=read,
        check=cancel.raise_if_cancelled,
    )
    lifetime_s = settings.url_lifetime_s
    url = transcriber.upload(recording, lifetime_s=lifetime_s)
    # After the upload: whoever waits until the file is gone must not wait too short.
    return AudioUrl(url, now() + timedelta(seconds=lifetime_s))


def _public(base: str, audio: AudioObject) -> AudioUrl:
    """The object's public address, with a query of its own, so that the request can be told by its URL."""
    template = base if "{key}" in base else f"{base.rstrip('/')}/{{key}}"
    url = template.replace("{bucket}", audio.bucket).replace("{key}", quote(audio.key, safe="/"))
    path, question, query = url.partition("?")
    path = _DOTS.sub(lambda found: found[0].replace(".", "%2E"), path)
    nonce = f"nightscribe={secrets.token_hex(8)}"
    return AudioUrl(f"{path}?{query}&{nonce}" if question else f"{path}?{nonce}", None)
