"""`nightscribe transcribe`: one recording, without broker, worker or manifest; the transcript on standard output."""

from __future__ import annotations

import json
from typing import Any

import click

from pipeline import formats
from pipeline.cancellation import CancellationToken
from pipeline.cli.options import json_option, recipe_options
from pipeline.cli.recordings import delivery_option, url_of
from pipeline.cli.session import Session
from pipeline.errors import NightscribeError
from pipeline.models import Answer, Format, PaidRequest
from pipeline.speech.base import Transcriber
from pipeline.wiring.speech import open_transcriber


@click.command()
@click.argument("recording", metavar="URL|s3://BUCKET/KEY")
@recipe_options
@delivery_option
@click.option(
    "--format",
    "kind",
    type=click.Choice([kind.value for kind in Format]),
    default=Format.TXT.value,
    show_default=True,
    help="What to print; json is that of Podcasting 2.0.",
)
@json_option
@click.pass_obj
def transcribe(
    session: Session, /, *, recording: str, delivery: str | None, kind: str, as_json: bool, **options: Any
) -> None:
    """Transcribe one recording and print the transcript. Needs FAL_KEY and nothing else.

    The URL must be one that fal can open; for s3:// a presigned URL is made, or what --delivery says. The request is
    sent once: when the reply is lost, the message says so instead of paying again.

    \b
    Examples:
      nightscribe transcribe https://example.org/ep1.mp3
      nightscribe transcribe s3://my-podcasts/ep1.mp3 --format vtt > ep1.vtt
      nightscribe transcribe s3://behind-a-firewall/ep1.mp3 --delivery upload
      nightscribe transcribe https://example.org/ep1.mp3 --model fal-ai/wizper --language de
      nightscribe transcribe https://example.org/ep1.mp3 --json | jq .language
    """
    recipe = session.recipe(options)
    transcriber = open_transcriber(session.settings, session.environment)
    try:
        url = url_of(session, recording, delivery, transcriber)
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
    click.echo((_as_json(answer) if as_json else _rendered(answer, Format(kind))).rstrip("\n"))


def _give_up(transcriber: Transcriber, request: PaidRequest) -> None:
    try:
        dropped = transcriber.cancel(request)
    except NightscribeError:
        dropped = False
    said = "was cancelled" if dropped else "could not be cancelled and may be billed"
    click.echo(f"Request {request.request_id} {said}.", err=True)


def _as_json(answer: Answer) -> str:
    return json.dumps(answer.transcript.model_dump(mode="json"), ensure_ascii=False, indent=1)


def _rendered(answer: Answer, kind: Format) -> str:
    return formats.render(answer.transcript.segments, answer.transcript.text, kind)
