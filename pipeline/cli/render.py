"""`nightscribe render`: the derived files of a whole archive, made or made again from its sidecars, without fal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict

import click

from pipeline.cancellation import CancellationToken
from pipeline.cli.options import S3Uri, json_option, wanted_formats_option
from pipeline.cli.pulse import pulse
from pipeline.cli.session import Session
from pipeline.discover import selection
from pipeline.discover.ranges import listing
from pipeline.errors import EXIT_DONE, EXIT_SOME_FAILED, ConfigurationError
from pipeline.models import Format, Place
from pipeline.printable import printable
from pipeline.render import Case, Mode, Tally, Trouble, gathered
from pipeline.render import render as rendered
from pipeline.storage.base import Storage
from pipeline.storage.patient import PatientStorage


@click.command()
@click.argument("archive", type=S3Uri(), metavar="s3://BUCKET/PREFIX")
@wanted_formats_option
@click.option("--include", multiple=True, metavar="GLOB", help="Only audio whose key matches. May be repeated.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Not audio whose key matches. May be repeated.")
@click.option("--output", type=S3Uri(), help="Where the archive's results are, when not beside the audio.")
@click.option("--missing", is_flag=True, help="Only files that are not there; looks at none that are.")
@click.option("--force", is_flag=True, help="Make current files again, too.")
@json_option
@click.pass_obj
def render(
    session: Session,
    *,
    archive: Place,
    formats: tuple[Format, ...],
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    output: Place | None,
    missing: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Make captions and texts from the transcripts of an archive, without transcribing anything.

    Writes what is missing, and makes again what was made from an older transcript or by an older version. What is
    current is left as it is, and so are files that Nightscribe did not write, or that were edited since. A transcript
    that was corrected by hand is rendered as it is. Neither Redis nor fal is asked; interrupted, it goes on when it is
    run again.

    \b
    Examples:
      nightscribe render s3://my-podcasts/ --formats vtt,srt,txt,json
      nightscribe render s3://my-podcasts/shows/ --formats vtt --missing
      nightscribe render s3://my-podcasts/ --formats json --output s3://my-transcripts/

    Exit codes: 0 all are there, 1 some could not be made, 2 there are no transcripts, or S3 is away.
    """
    if missing and force:
        raise click.UsageError("--missing and --force exclude one another.")
    mode = Mode.MISSING if missing else Mode.ALL if force else Mode.CHANGED
    place = output or Place(bucket=archive.bucket)
    cancel = CancellationToken()
    # S3 being away is waited for; the token ends that wait when somebody interrupts it.
    storage = PatientStorage(
        session.storage, for_s=session.settings.run.patience_s, cancel=cancel, clock=time.monotonic
    )
    cases = _cases(session, storage, archive, place, include=include, exclude=exclude)
    tally = Tally()
    with (
        pulse(session.settings.run.progress_every_s) as say,
        closing(rendered(storage, cases, place, formats, mode=mode, cancel=cancel)) as events,
    ):
        for event in events:
            if isinstance(event, Trouble):
                _tell(event, as_json=as_json)
                continue
            tally = event
            say(f"{tally.transcripts} transcripts, {tally.written} files written, at {tally.at!r}")
    _summarise(tally, archive, as_json=as_json)
    raise click.exceptions.Exit(EXIT_SOME_FAILED if tally.foreign or tally.unreadable else EXIT_DONE)


def _cases(
    session: Session,
    storage: Storage,
    archive: Place,
    output: Place,
    *,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
) -> Iterator[Case]:
    settings = session.settings
    chosen = selection(settings.audio, include, exclude)
    results = Place(bucket=output.bucket, prefix=output.prefix + archive.prefix)

    def is_wanted(audio_key: str) -> bool:
        return chosen.is_audio(audio_key) and not chosen.excludes(audio_key)

    return gathered(listing(storage, results, settings.s3), output, is_wanted)


def _tell(trouble: Trouble, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"trouble": trouble.kind, "key": trouble.key, "detail": trouble.detail}))
        return
    click.echo(f"{trouble.kind:<18} {trouble.key!r}  {printable(trouble.detail)}")


def _summarise(tally: Tally, archive: Place, *, as_json: bool) -> None:
    if not tally.transcripts:
        raise ConfigurationError(
            f"There are no transcripts of {archive.uri} to render. Check the prefix, --include and --exclude; name "
            "with --output where the results are, if not beside the audio. nightscribe backfill makes transcripts.",
            "no_transcript",
        )
    if as_json:
        counts = asdict(tally)
        del counts["at"]
        click.echo(json.dumps({"summary": counts}))
        return
    click.echo(f"Rendered {tally.transcripts} transcripts: {tally.written} files written, {tally.unchanged} unchanged.")
    if tally.foreign:
        click.echo(f"Left alone, for they are not Nightscribe's or were edited: {tally.foreign} files.")
    if tally.unreadable:
        click.echo(f"Could not be read: {tally.unreadable} transcripts.")
