"""`nightscribe query`: a question in SQL about an archive's newest manifest."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import click

from pipeline import keys, manifest
from pipeline.cli.answers import FORMS, print_answer
from pipeline.cli.options import S3Uri
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.models import Manifest, Place
from pipeline.query import Database, manifest_view, named_queries
from pipeline.storage.base import Storage
from pipeline.storage.downloads import download

_NAMED = named_queries()


@click.command()
@click.argument("archive", type=S3Uri(), required=False, metavar="s3://BUCKET/PREFIX")
@click.argument("sql", required=False, metavar='"SQL"')
@click.option("--named", type=click.Choice(list(_NAMED)), help="Ask one of the queries that come with Nightscribe.")
@click.option("--list", "as_list", is_flag=True, help="Print those queries with their SQL, to ask or to change.")
@click.option("--output", type=S3Uri(), help="Where the archive's results are, when not beside the audio.")
@click.option("--format", "form", type=click.Choice(FORMS), help="Default: table on a terminal, tsv elsewhere.")
@click.pass_obj
def query(
    session: Session,
    *,
    archive: Place | None,
    sql: str | None,
    named: str | None,
    as_list: bool,
    output: Place | None,
    form: str | None,
) -> None:
    """Ask the newest manifest of an archive a question in SQL (DuckDB's; pip install 'nightscribe[query]').

    The rows are the view `manifest`, one per object. Its columns, and `show_name`, the first folder below the archive's
    prefix: "DESCRIBE manifest". Times are UTC.

    The manifest's parts are first fetched from S3 to a temporary folder (TMPDIR), each checked against its SHA-256.
    DuckDB could read them in S3 only by an extension that it downloads from its makers, with keys of its own; here it
    can reach neither the network nor any other file.

    \b
    Examples:
      nightscribe query s3://my-podcasts/ --named failures
      nightscribe query s3://my-podcasts/ "SELECT state, count(*) FROM manifest GROUP BY state"
      nightscribe query s3://my-podcasts/ "SELECT * FROM manifest" --format csv > all.csv
      nightscribe query --list
    """
    if as_list:
        _print_named()
        return
    place, question = _asked(archive, sql, named)
    output = output or Place(bucket=place.bucket)
    storage = session.storage  # before DuckDB, which would complain of what `loading` keeps from being taken apart
    with tempfile.TemporaryDirectory(prefix="nightscribe-") as temporary:
        folder = Path(temporary).resolve()
        with Database(folder) as database:
            parts = _fetched(storage, _newest(storage, output, place), folder)
            database.define(manifest_view(parts, place.prefix))
            print_answer(database.ask(question), form)


def _asked(archive: Place | None, sql: str | None, named: str | None) -> tuple[Place, str]:
    """Which archive is asked, and what."""
    if archive is None:
        raise click.UsageError('Name the archive: nightscribe query s3://BUCKET/PREFIX "SQL". See --help.')
    if (sql is None) == (named is None):
        raise click.UsageError("Give either SQL or --named; --list prints the queries that have names.")
    question = _NAMED[named].sql if named else sql or ""
    try:
        question.encode()
    except UnicodeEncodeError:
        raise click.UsageError("The SQL is not UTF-8.") from None
    return archive, question


def _newest(storage: Storage, output: Place, archive: Place) -> Manifest:
    newest = manifest.read_latest(storage, output, archive)
    if newest is None:
        raise ConfigurationError(
            f"There is no manifest of {archive.uri} at s3://{output.bucket}/{keys.latest_key(output, archive)}. Name "
            "the archive as its backfill did, with the same --output, or run nightscribe backfill first.",
            "no_manifest",
        )
    return newest


def _fetched(storage: Storage, newest: Manifest, folder: Path) -> list[Path]:
    """The files of a manifest's parts, each as it was written."""
    where = keys.run_folder(newest.output, newest.archive, newest.run_id)
    files = []
    for number, part in enumerate(newest.parts, 1):
        file, digest = folder / f"part-{number:05d}.jsonl.gz", hashlib.sha256()
        is_there = download(storage, newest.output.bucket, where + part.name, file, digest)
        if not is_there or digest.hexdigest() != part.sha256:
            raise ConfigurationError(
                f"s3://{newest.output.bucket}/{where}{part.name} is missing or was changed after it was written.",
                "manifest_damaged",
            )
        files.append(file)
    return files


def _print_named() -> None:
    for one in _NAMED.values():
        click.echo(f"--named {one.name}\n\n{one.sql}")
