"""What would make every job of a run fail, found out before its first one: nothing is paid to learn it."""

from __future__ import annotations

from datetime import datetime

from pipeline.delivery.handing import check_term
from pipeline.delivery.hosts import is_private
from pipeline.errors import ConfigurationError, TransientError
from pipeline.models import Handling
from pipeline.settings import Settings
from pipeline.storage.base import Storage


def check_delivery(handling: Handling, storage: Storage, settings: Settings, now: datetime) -> str | None:
    """Returns a warning that a person must see, or None.

    Raises `ConfigurationError`: `endpoint_private`, `no_public_url`, `credentials_too_short`. Asks nobody but the name
    service, about stores other than AWS, and the source of AWS's credentials.
    """
    if handling.delivery == "public":
        if not settings.audio.public_url:
            raise ConfigurationError(
                "Delivery is public, and audio.public_url does not say where everybody may read the audio. Set it, for "
                "instance NIGHTSCRIBE_AUDIO_PUBLIC_URL=https://cdn.example.org/{key}; or choose --delivery presigned.",
                "no_public_url",
            )
        return None
    if handling.delivery == "upload":
        return None
    if is_private(storage.server) and not is_private(settings.fal.queue_url):
        raise ConfigurationError(
            f"fal cannot reach the S3 server at {storage.server}: its address is private, and a presigned URL leads "
            "there. Nothing was begun. Use --delivery upload, which brings the audio to fal's storage; or set "
            "AWS_ENDPOINT_URL to an address that is reachable from outside.",
            "endpoint_private",
        )
    return _warning_of_credentials(storage, settings, now)


def _warning_of_credentials(storage: Storage, settings: Settings, now: datetime) -> str | None:
    term = storage.credential_term(at_least_s=settings.fal.start_timeout_s)
    if term.is_temporary and term.ends_at is None:
        return (
            "WARNING: the AWS credentials belong to a session (AWS_SESSION_TOKEN), and nothing tells when it ends. A "
            "presigned URL dies with it, and a request that fal begins later fails. Set AWS_CREDENTIAL_EXPIRATION to "
            "the session's end, use a key without a session, or --delivery upload; a shorter fal.start_timeout_s and "
            "audio.presign_expiry_s lower the risk."
        )
    try:
        check_term(term, settings, now)
    except TransientError as error:
        return f"WARNING: {error.message}"  # they will be replaced while the run goes on
    return None
