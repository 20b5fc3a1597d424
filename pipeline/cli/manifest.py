"""`nightscribe manifest rebuild`: a manifest from the sidecars, when the last one is lost or damaged.

The plan of a run that may transcribe nothing: its rows are the manifest. Every sidecar is looked at (one HEAD each,
many at once), for nothing that the old manifest says of it is believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import click

from pipeline import keys
from pipeline.cli.options import S3Uri
from pipeline.cli.progress import said_every
from pipeline.cli.session import Session
from pipeline.cli.verify import patient
from pipeline.cli.wishes import Wish, decisions, now
from pipeline.errors import RunActiveError, ServiceUnavailableError
from pipeline.manifest import Draft, Newest, RunFacts, finish
from pipeline.models import (
    Manifest,
    ManifestRow,
    Place,
    Recipe,
    RecipeStamp,
    RememberedRow,
    Skip,
    SkipReason,
    State,
)
from pipeline.printable import printable
from pipeline.storage.base import Storage
from pipeline.unfinished import OpenRunNote
from pipeline.verify import Difference, Pointed, newest_readable, rows_of
from pipeline.wiring.live import open_live

_NOT_TRANSCRIBED = {
    "reason": "not_transcribed",
    "message": "No transcript of it was there when the manifest was made anew from the sidecars.",
}


@click.group()
def manifest() -> None:
    """Mend the manifest of an archive."""


@manifest.command()
@click.argument("archive", type=S3Uri(), metavar="s3://BUCKET/PREFIX")
@click.option("--output", type=S3Uri(), help="Where the archive's results are, when not beside the audio.")
@click.pass_obj
def rebuild(session: Session, *, archive: Place, output: Place | None) -> None:
    """Make an archive's manifest anew from its sidecars, when it is lost or damaged.

    What has a sidecar is done, whatever else is pending; nothing is transcribed or paid. Failures that the old manifest
    knows are kept, as far as its parts can be read.

    \b
    Examples:
      nightscribe manifest rebuild s3://my-podcasts/
      nightscribe manifest rebuild s3://my-podcasts/ --output s3://my-transcripts/
      nightscribe verify s3://my-podcasts/ || nightscribe manifest rebuild s3://my-podcasts/
    """
    place = output or Place(bucket=archive.bucket)
    storage = patient(session)
    _refuse_while_dispatched(session, OpenRunNote(storage, place, archive))
    written = _rebuilt(session, storage, archive, place)
    states = ", ".join(f"{number} {state}" for state, number in sorted(written.totals.by_state.items()))
    folder = keys.run_folder(place, archive, written.run_id)
    click.echo(f"Made anew: {written.totals.objects} objects, {states}")
    click.echo(printable(f"  manifest   s3://{place.bucket}/{folder}manifest.json"))


def _refuse_while_dispatched(session: Session, note: OpenRunNote) -> None:
    """Raises `RunActiveError` when a dispatcher is at work: it writes a manifest itself, and knows more.

    An unfinished run that nobody dispatches is in nobody's way: it goes on from its own segments later. Only Redis
    tells the two apart; without an unfinished run it is not asked.
    """
    noted = note.read()
    if noted is None:
        return
    run_id = noted.run.run_id
    try:
        with closing(open_live(session.settings)) as live:
            is_dispatched = any(run.run_id == run_id and run.dispatcher_alive for run in live.runs.summaries())
    except ServiceUnavailableError as error:
        raise ServiceUnavailableError(
            f"Run {run_id} is not finished, and only Redis tells whether it is being dispatched: {error.message}"
        ) from error
    if is_dispatched:
        raise RunActiveError(f"Run {run_id} is being dispatched, and writes a manifest at its end. Wait for that.")
    click.echo(f"Run {run_id} is not finished; the next nightscribe backfill goes on with it.", err=True)


def _rebuilt(session: Session, storage: Storage, archive: Place, output: Place) -> Manifest:
    settings, started_at = session.settings, now()
    run_id = f"{started_at:%Y%m%dT%H%M%SZ}-{uuid4().hex[:6]}"
    # Based on no manifest, and written on the condition that nobody has written one since this moment.
    latest = storage.head(output.bucket, keys.latest_key(output, archive))
    base = Newest(latest_etag=latest.etag if latest else None)
    old = newest_readable(storage, output, archive)
    wish = Wish(archive=archive, recipe=_recipe(session, old), output=output, limit=0)
    request = wish.request(run_id, budgeted=False)
    told = said_every(settings.run.progress_every_s)
    with Draft() as draft:
        planned = decisions(
            storage, settings, wish, request=request, last=None, settled=_unsolved(storage, output, old)
        )
        for number, decision in enumerate(planned, 1):
            if isinstance(decision, Skip) and decision.reason is not SkipReason.GONE:
                draft.put(_row(decision.row))
                told(f"{number} objects looked at, at {decision.row.key!r}")
        facts = RunFacts(run_id, archive, output, RecipeStamp.of(wish.recipe), started_at)
        return finish(storage, draft, facts, base, now=now(), part_rows=settings.run.part_rows)


def _recipe(session: Session, old: Pointed | None) -> Recipe:
    """That of the old manifest; where it is lost, that of the settings."""
    if old is None or old.manifest is None:
        return session.recipe({"model": None, "language": None, "task": None, "extra": {}})
    return Recipe(endpoint_id=old.manifest.recipe.endpoint_id, arguments=old.manifest.recipe.arguments)


def _unsolved(storage: Storage, output: Place, old: Pointed | None) -> Iterator[RememberedRow]:
    """What only the old manifest knows: the rows of objects that were not transcribed. Damage is told and left out."""
    if old is None or old.manifest is None:
        return
    for told in rows_of(storage, output.bucket, old.folder, old.manifest, lambda _: iter(())):
        if isinstance(told, Difference):
            click.echo(f"The old manifest: {told.kind} {told.key!r}  {told.detail}", err=True)
        elif isinstance(told, RememberedRow) and told.state is not State.DONE:
            yield told


def _row(row: ManifestRow | RememberedRow) -> ManifestRow | RememberedRow:
    if row.reason != SkipReason.OVER_LIMIT:
        return row
    whole = row.row() if isinstance(row, RememberedRow) else row
    return whole.model_copy(update=_NOT_TRANSCRIBED)
