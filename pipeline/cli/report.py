"""`nightscribe report`: the report of a run, made anew from its manifest."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import ValidationError

from pipeline import keys
from pipeline.cli.options import S3Uri
from pipeline.cli.progress import said_every
from pipeline.cli.session import Session
from pipeline.cli.verify import patient
from pipeline.errors import ConfigurationError
from pipeline.manifest import compared, read_latest, remembered
from pipeline.models import Changes, Manifest, Place
from pipeline.printable import printable
from pipeline.report import Gathering, Report, is_ours, page, write
from pipeline.storage.base import Storage


@click.command()
@click.argument("archive", type=S3Uri(), metavar="s3://BUCKET/PREFIX")
@click.option("--output", type=S3Uri(), help="Where the archive's results are, when not beside the audio.")
@click.option("--run", "run_id", metavar="RUN_ID", help="Of this run; without it of the newest one with a manifest.")
@click.option(
    "--to", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Into this file, not into S3."
)
@click.pass_obj
def report(session: Session, *, archive: Place, output: Place | None, run_id: str | None, file: Path | None) -> None:
    """Make the report of a run anew: one HTML file, beside the manifest or wherever you want it.

    Every run that writes a manifest writes its report by itself. It tells totals, hours and cost, the pace over time,
    failures with what to do, suspect transcripts, shows, and what has changed since the run before. It needs no
    network and no script, and holds no address that opens anything.

    \b
    Examples:
      nightscribe report s3://my-podcasts/
      nightscribe report s3://my-podcasts/ --to report.html
      nightscribe report s3://my-podcasts/ --run 20261122T021500Z-1a2b3c --to that-night.html

    Exit codes: 0 done, 2 there is no such manifest, S3 cannot be read, or the file is not ours to write.
    """
    place, storage = output or Place(bucket=archive.bucket), patient(session)
    if file is not None:
        _refuse_a_strangers(file)
    manifest = _manifest(storage, place, archive, run_id)
    gathering = Gathering(archive, manifest.run_id, manifest.started_at)
    told = said_every(session.settings.run.progress_every_s)
    for number, row in enumerate(remembered(storage, manifest), 1):
        gathering.add(row)
        told(f"{number} of {manifest.totals.objects} rows read")
    if manifest.changes is None:
        manifest = manifest.model_copy(update={"changes": _changes(storage, manifest)})
    text = page(Report(manifest, gathering))
    if file is None:
        click.echo(printable(write(storage, manifest, text)))
        return
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}.") from error
    click.echo(printable(str(file)))


def _refuse_a_strangers(file: Path) -> None:
    """Asked before any reading: only an earlier report is written over."""
    try:
        with file.open("rb") as there:
            start = there.read(4096)
    except FileNotFoundError:
        return
    except OSError as error:
        raise click.UsageError(f"{file} cannot be read: {error.strerror}.") from error
    if start and not is_ours(start):
        raise click.UsageError(f"{file} is there, and no report: it is left alone. Name another file.")


def _manifest(storage: Storage, output: Place, archive: Place, run_id: str | None) -> Manifest:
    found = _of_run(storage, output, archive, run_id) if run_id else read_latest(storage, output, archive)
    if found is not None:
        return found
    where = f"{keys.run_folder(output, archive, run_id)}manifest.json" if run_id else keys.latest_key(output, archive)
    raise ConfigurationError(
        f"There is no manifest of {archive.uri} at s3://{output.bucket}/{where}. Name the archive as its backfill did, "
        "with the same --output, and a run by its whole id; a run that changed nothing has none.",
        "no_manifest",
    )


def _of_run(storage: Storage, output: Place, archive: Place, run_id: str) -> Manifest | None:
    key = f"{keys.run_folder(output, archive, run_id)}manifest.json"
    stored = storage.read(output.bucket, key)
    try:
        return Manifest.model_validate_json(stored.body) if stored else None
    except ValidationError as error:
        raise ConfigurationError(
            f"s3://{output.bucket}/{key} cannot be read by this version ({error.error_count()} differences from its "
            "schema). Upgrade Nightscribe.",
            "manifest_unreadable",
        ) from None


def _changes(storage: Storage, manifest: Manifest) -> Changes | None:
    """Against the run before, by reading both; None where there is none any more.

    The one before is the one whose id is the next smaller: an id begins with the time when its run began.
    """
    runs = f"{keys.archive_folder(manifest.output, manifest.archive)}runs/"
    before = None
    for listed in storage.list(manifest.output.bucket, runs):
        run_id, _, name = listed.key.removeprefix(runs).partition("/")
        if run_id >= manifest.run_id:
            break
        before = run_id if name == "manifest.json" else before
    try:
        older = _of_run(storage, manifest.output, manifest.archive, before) if before else None
        return compared(older, remembered(storage, older), remembered(storage, manifest)) if older else None
    except ConfigurationError as error:  # what was before may be damaged: that is what `manifest rebuild` is for
        click.echo(f"Warning: what has changed is not told. {printable(error.message)}", err=True)
        return None
