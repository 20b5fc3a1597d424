"""`nightscribe transcribe`: one recording, without broker, worker or manifest; the transcript on standard output."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import click

from pipeline import formats
from pipeline.cancellation import CancellationToken
from pipeline.cli.options import S3Uri, recipe_options
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError, NightscribeError
from pipeline.models import Answer, Format, PaidRequest
from pipeline.speech.base import Transcriber
from pipeline.wiring.speech import open_transcriber


@click.command()
@click.argument("recording", metavar="URL|s3://BUCKET/KEY")
@recipe_options
@click.option("--format", "kind", type=click.Choice(["txt", "json", "vtt", "srt"]), default="txt", show_default=True)
@click.pass_obj
def transcribe(session: Session, /, *, recording: str, kind: str, **options: Any) -> None:
    """Transcribe one recording and print the transcript. Needs FAL_KEY and nothing else.

    The URL must be one that fal can open; for s3:// a presigned URL is made. The request is sent once: when the
    reply is lost, the message says so instead of paying again.

    \b
    Examples:
      nightscribe transcribe https://example.org/ep1.mp3
      nightscribe transcribe s3://my-podcasts/ep1.mp3 --format vtt > ep1.vtt
      nightscribe transcribe https://example.org/ep1.mp3 --model fal-ai/wizper --language de
    """
    recipe = session.recipe(options)
    transcriber = open_transcriber(session.settings, session.environment)
    url = _url(session, recording)
    try:
        request = transcriber.submit(recipe, url)
        click.echo(f"Request {request.request_id} was accepted by {recipe.endpoint_id}; waiting.", err=True)
        try:
            transcriber.wait(request, audio_s=None, cancel=CancellationToken())
        except KeyboardInterrupt:
            _give_up(transcriber, request)
            raise
        answer = transcriber.fetch(request, recipe)
    finally:
        transcriber.close()
    click.echo(_rendered(answer, kind).rstrip("\n"))


def _url(session: Session, recording: str) -> str:
    """A URL that fal can open. Raises `click.BadParameter` for anything else."""
    if recording.startswith("s3://"):
        place = S3Uri().convert(recording, None, None)
        if session.storage.head(place.bucket, place.prefix) is None:
            raise ConfigurationError(f"There is no object {recording}. Check the key.", "no_such_object")
        expires_s = session.settings.audio.presign_expiry_s
        return session.storage.presign(place.bucket, place.prefix, version_id=None, expires_s=expires_s)
    parts = urlsplit(recording)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise click.BadParameter(
            f"{recording!r} is neither a URL (http, https) nor s3://BUCKET/KEY. A local file must be put where fal can "
            "open it, for instance in S3.",
            param_hint="URL",
        )
    return recording


def _give_up(transcriber: Transcriber, request: PaidRequest) -> None:
    try:
        dropped = transcriber.cancel(request)
    except NightscribeError:
        dropped = False
    said = "was cancelled" if dropped else "could not be cancelled and may be billed"
    click.echo(f"Request {request.request_id} {said}.", err=True)


def _rendered(answer: Answer, kind: str) -> str:
    transcript = answer.transcript
    if kind == "json":
        return json.dumps(transcript.model_dump(mode="json"), ensure_ascii=False, indent=1)
    return formats.render(transcript.segments, transcript.text, Format(kind))
