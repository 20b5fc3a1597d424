"""The one recording of `nightscribe transcribe`, as a URL that fal can open."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import click

from pipeline.cancellation import CancellationToken
from pipeline.cli.options import S3Uri
from pipeline.cli.session import Session
from pipeline.delivery import address, check_delivery, uploaded
from pipeline.errors import ConfigurationError
from pipeline.models import AudioObject, Handling
from pipeline.speech.base import Transcriber

delivery_option = click.option(
    "--delivery",
    type=click.Choice(["presigned", "upload", "public"]),
    help="How fal gets at an object in S3: a presigned URL, an upload to fal's storage, or a public address.",
)


def url_of(session: Session, recording: str, delivery: str | None, transcriber: Transcriber) -> str:
    """The URL of `recording`, which is one or an object in S3. Uploads it when that is asked for.

    Raises `click.BadParameter` for anything else, `ConfigurationError` when the object is not there or fal cannot get
    at it, and what `Transcriber.upload` raises.
    """
    if recording.startswith("s3://"):
        return _url_of_object(session, recording, delivery, transcriber)
    if delivery is not None:
        raise click.BadParameter("it is for recordings in S3; fal opens a URL as it is.", param_hint="--delivery")
    parts = urlsplit(recording)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise click.BadParameter(
            f"{recording!r} is neither a URL (http, https) nor s3://BUCKET/KEY. A local file must be put where fal can "
            "open it, for instance in S3.",
            param_hint="URL",
        )
    return recording


def _url_of_object(session: Session, recording: str, delivery: str | None, transcriber: Transcriber) -> str:
    settings, storage = session.settings, session.storage
    handling = Handling.model_validate({"delivery": delivery or settings.audio.delivery})
    place = S3Uri().convert(recording, None, None)
    if warning := check_delivery(handling, storage, settings, datetime.now(UTC)):
        click.echo(warning, err=True)
    head = storage.head(place.bucket, place.prefix)
    if head is None:
        raise ConfigurationError(f"There is no object {recording}. Check the key.", "no_such_object")
    audio = AudioObject(
        bucket=place.bucket,
        key=place.prefix,
        etag=head.etag,
        size_bytes=head.size_bytes,
        last_modified=head.last_modified,
    )
    if handling.delivery == "upload":
        made = uploaded(
            audio,
            storage=storage,
            transcriber=transcriber,
            settings=settings,
            cancel=CancellationToken(),
            now=lambda: datetime.now(UTC),
        )
    else:
        made = address(handling, audio, head.version_id, storage=storage, settings=settings, now=datetime.now(UTC))
    return made.url
