"""`nightscribe show`: one transcript, readable, with times."""

from __future__ import annotations

from functools import partial

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
@click.option("--html", "as_page", is_flag=True, help="Read and hear it in a browser, until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="With --html: this port, not any free one.")
@click.option("--no-open", "stays_closed", is_flag=True, help="With --html: print the address, open no browser.")
@click.pass_obj
def show(
    session: Session,
    *,
    recording: Place,
    output: Place | None,
    kind: str | None,
    as_json: bool,
    as_page: bool,
    port: int,
    stays_closed: bool,
) -> None:
    """Print the transcript of one recording with its times.

    \b
    Examples:
      nightscribe show s3://my-podcasts/shows/ep1.mp3
      nightscribe show s3://my-podcasts/shows/ep1.mp3 --html
      nightscribe show s3://my-podcasts/shows/ep1.mp3 --format srt > ep1.srt
      nightscribe show s3://my-podcasts/shows/ep1.mp3 --json | jq .cost
    """
    if as_page and (as_json or kind):
        raise click.UsageError("--html shows a page; --json and --format print. Ask for one of them.")
    if not as_page and (port or stays_closed):
        raise click.UsageError("--port and --no-open are for the page: add --html.")
    recording = recording.model_copy(update={"prefix": recording.prefix.removesuffix(keys.SIDECAR_SUFFIX)})
    load = partial(_sidecar, session, recording, output or Place(bucket=recording.bucket))
    if as_page:
        # Only here: a transcript that is printed needs no server.
        from pipeline.cli.listening import serve_page  # noqa: PLC0415

        serve_page(session.storage, recording, load, port=port, opens_browser=not stays_closed)
        return
    sidecar = load()
    if as_json:
        click.echo(printable_json(sidecar.model_dump_json(indent=1)))
    elif kind:
        click.echo(formats.render(sidecar.segments, sidecar.text, Format(kind)), nl=False)
    else:
        _print(sidecar)


def _sidecar(session: Session, recording: Place, place: Place) -> Sidecar:
    key = keys.sidecar_key(place, recording.prefix)
    uri = f"s3://{place.bucket}/{key}"
    stored = session.storage.read(place.bucket, key)
    if stored is None:
        raise ConfigurationError(
            f"There is no transcript at {uri}. Transcribe it with nightscribe backfill s3://{recording.bucket}/"
            f"{recording.prefix}, or see why it failed with nightscribe status.",
            "no_transcript",
        )
    try:
        return Sidecar.model_validate_json(stored.body)
    except ValidationError:
        raise ConfigurationError(f"{uri} is not a transcript that this version of Nightscribe can read.") from None


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
