"""`nightscribe verify`: whether what the last manifest says stands in S3."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

import click

from pipeline.cancellation import CancellationToken
from pipeline.cli.options import S3Uri, json_option
from pipeline.cli.progress import said_every
from pipeline.cli.session import Session
from pipeline.discover import selection
from pipeline.discover.ranges import listing
from pipeline.errors import EXIT_DONE, EXIT_SOME_FAILED, ConfigurationError
from pipeline.manifest.sums import Sums
from pipeline.models import Place
from pipeline.printable import printable
from pipeline.storage.base import Storage
from pipeline.storage.patient import PatientStorage
from pipeline.unfinished import OpenRunNote
from pipeline.verify import Difference, Listings, Tally
from pipeline.verify import verify as differences


@click.command()
@click.argument("archive", type=S3Uri(), metavar="s3://BUCKET/PREFIX")
@click.option("--output", type=S3Uri(), help="Where the archive's results are, when not beside the audio.")
@click.option("--deep", is_flag=True, help="Also read every sidecar and hold it against its schema and its row.")
@json_option
@click.pass_obj
def verify(session: Session, *, archive: Place, output: Place | None, deep: bool, as_json: bool) -> None:
    """Compare the last manifest with what lies in S3, and name every difference.

    Reads the manifest and lists the archive; nothing is written, and neither Redis nor fal is asked.

    \b
    Examples:
      nightscribe verify s3://my-podcasts/
      nightscribe verify s3://my-podcasts/shows/ --deep
      nightscribe verify s3://my-podcasts/ --json | jq -r 'select(.difference == "sidecar_missing").key'

    Exit codes: 0 nothing differs, 1 something does, 2 there is no manifest, or S3 cannot be read.
    """
    place = output or Place(bucket=archive.bucket)
    storage = patient(session)
    show = _as_json if as_json else _as_text
    tally = Tally()
    say = said_every(session.settings.run.progress_every_s)
    for event in differences(storage, archive, place, _listings(session, storage, archive, place), Sums, deep=deep):
        if isinstance(event, Difference):
            show(event)
            continue
        tally = event
        say(f"{tally.objects} objects compared, {tally.differences} differences, at {tally.at!r}")
    if tally.differences:
        _tell_of_unfinished_run(storage, archive, place)
    _summarise(tally, as_json=as_json)
    raise click.exceptions.Exit(EXIT_SOME_FAILED if tally.differences else EXIT_DONE)


def patient(session: Session) -> Storage:
    """S3 whose being away is waited for: a pass over a large archive takes minutes, and begins at its beginning."""
    patience_s = session.settings.run.patience_s
    return PatientStorage(session.storage, for_s=patience_s, cancel=CancellationToken(), clock=time.monotonic)


def _listings(session: Session, storage: Storage, archive: Place, output: Place) -> Listings:
    settings = session.settings
    results = None
    if output != Place(bucket=archive.bucket):
        place = Place(bucket=output.bucket, prefix=output.prefix + archive.prefix)
        results = listing(storage, place, settings.s3)
    return Listings(listing(storage, archive, settings.s3), selection(settings.audio, (), ()).is_audio, results)


def _as_text(difference: Difference) -> None:
    click.echo(f"{difference.kind:<19} {difference.key!r}  {difference.detail}")


def _as_json(difference: Difference) -> None:
    told = {"difference": difference.kind, "key": difference.key, "detail": difference.detail}
    click.echo(json.dumps(told))


def _tell_of_unfinished_run(storage: Storage, archive: Place, output: Place) -> None:
    try:
        noted = OpenRunNote(storage, output, archive).read()
    except ConfigurationError as error:
        click.echo(printable(error.message), err=True)
        return
    if noted is not None:
        click.echo(
            f"Run {noted.run.run_id} is not finished. What it has done since the last manifest is among the "
            "differences; they go when it ends.",
            err=True,
        )


def _summarise(tally: Tally, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"summary": asdict(tally) | {"differences": tally.differences}}))
        return
    of_run = f"the manifest of run {tally.run_id}" if tally.run_id else "the manifest, which cannot be read"
    read = f" ({tally.sidecars_read} read)" if tally.sidecars_read else ""
    click.echo(
        f"Compared {tally.rows} rows of {of_run}, with {tally.objects} audio objects and {tally.sidecars} "
        f"sidecars{read}."
    )
    if tally.not_compared:
        click.echo(f"Not compared, for their rows cannot be read: {tally.not_compared} objects and lone sidecars.")
    if not tally.differences:
        click.echo("Nothing differs.")
        return
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(tally.by_kind.items()))
    click.echo(f"Differences: {kinds}")
