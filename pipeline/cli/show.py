"""`nightscribe show`: one transcript, readable, with times."""

from __future__ import annotations

import click
from pydantic import ValidationError

from pipeline import formats, keys
from pipeline.cli.options import S3Uri, json_option
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.models import Format, Place, Sidecar
from pipeline.printable import printable, printable_json


@click.command()
@click.argument("recording", type=S3Uri(), metavar="s3://BUCKET/KEY")
@click.option("--output", type=S3Uri(), help="Where results are, when not beside the audio.")
@click.option("--format", "kind", type=click.Choice([kind.value for kind in Format]), help="Print this format instead.")
@json_option
@click.pass_obj
def show(session: Session, *, recording: Place, output: Place | None, kind: str | None, as_json: bool) -> None:
    """Print the transcript of one recording with its times.

    \b
    Examples:
      nightscribe show s3://my-podcasts/shows/ep1.mp3
      nightscribe show s3://my-podcasts/shows/ep1.mp3 --format srt > ep1.srt
      nightscribe show s3://my-podcasts/shows/ep1.mp3 --json | jq .cost
    """
    place = output or Place(bucket=recording.bucket)
    key = keys.sidecar_key(place, recording.prefix.removesuffix(keys.SIDECAR_SUFFIX))
    uri = f"s3://{place.bucket}/{key}"
    stored = session.storage.read(place.bucket, key)
    if stored is None:
        raise ConfigurationError(
            f"There is no transcript at {uri}. Transcribe it with nightscribe backfill s3://{recording.bucket}/"
            f"{recording.prefix}, or see why it failed with nightscribe status.",
            "no_transcript",
        )
    try:
        sidecar = Sidecar.model_validate_json(stored.body)
    except ValidationError:
        raise ConfigurationError(f"{uri} is not a transcript that this version of Nightscribe can read.") from None
    if as_json:
        click.echo(printable_json(sidecar.model_dump_json(indent=1)))
    elif kind:
        click.echo(formats.render(sidecar.segments, sidecar.text, Format(kind)), nl=False)
    else:
        _print(sidecar)


def _print(sidecar: Sidecar) -> None:
    cost = "unknown" if sidecar.cost.usd is None else f"{sidecar.cost.usd:.6f} USD"
    duration = "unknown" if sidecar.duration_s is None else formats.timestamp(sidecar.duration_s)
    click.echo(printable(sidecar.object.uri))
    click.echo(
        printable(
            f"{sidecar.recipe.endpoint_id}, language {sidecar.language or 'unknown'}, length {duration}, cost {cost}, "
            f"request {sidecar.request.request_id}"
        )
    )
    for finding in sidecar.quality.findings:
        at = "" if finding.at_s is None else f" (at {formats.timestamp(finding.at_s)})"
        click.echo(printable(f"suspect: {finding.name}: {finding.detail}{at}"))
    click.echo("")
    if not sidecar.text.strip():
        click.echo("(no speech)")
    elif not sidecar.segments:
        click.echo(printable(sidecar.text, keep="\n"))
    for segment in sidecar.segments:
        speaker = f"{segment.speaker}: " if segment.speaker else ""
        click.echo(f"[{formats.timestamp(segment.start)}]  {printable(speaker + segment.text)}")
