"""`nightscribe backfill` and `nightscribe retry-failed`: a whole archive, from enumeration to manifest."""

from __future__ import annotations

from typing import Any

import click

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.cli.ceilings import ceiling_options
from pipeline.cli.deadlines import deadline_of, deadline_options
from pipeline.cli.handling import handling_options
from pipeline.cli.interrupts import interrupts
from pipeline.cli.on_suspect import on_suspect_option
from pipeline.cli.options import archive_options, formats_option, json_option, recipe_options
from pipeline.cli.running import carry_through, interrupted
from pipeline.cli.session import Session
from pipeline.cli.sources import source_options
from pipeline.cli.summary import summarise
from pipeline.cli.unheard import heard_or_not
from pipeline.cli.wishes import now, wish_of
from pipeline.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SOME_FAILED
from pipeline.plan import Mode
from pipeline.printable import printable


@click.command()
@archive_options
@source_options
@recipe_options
@formats_option
@ceiling_options
@handling_options
@on_suspect_option
@deadline_options
@click.option("--upgrade", is_flag=True, help="Also redo what was transcribed with another model or arguments.")
@click.option("--force", is_flag=True, help="Redo everything, also what is current: it is paid for again.")
@json_option
@click.pass_obj
def backfill(session: Session, /, *, upgrade: bool, force: bool, **options: Any) -> None:
    """Transcribe every audio object under s3://BUCKET/PREFIX that has no transcript yet.

    What is done is skipped, what was interrupted goes on; running it again is always safe. Ctrl-C once stops
    enqueuing and leaves everything resumable. Workers must be running: make worker.

    \b
    Examples:
      nightscribe backfill s3://my-podcasts/
      nightscribe backfill s3://my-podcasts/shows/ --model fal-ai/wizper --language de --formats vtt,srt
      nightscribe backfill s3://my-podcasts/ --include '*/2024/*' --limit 10
      nightscribe backfill s3://my-podcasts/ --max-cost 25 --on-suspect retry:fal-ai/wizper
      nightscribe backfill s3://my-podcasts/ --until 06:00 --time-zone Europe/Berlin
      nightscribe backfill s3://my-podcasts/ --arg batch_size=16 --output s3://my-transcripts/podcasts/

    \b
    Exit codes:
      0 done   1 some objects failed   2 usage, configuration, or a service that is away
      3 stopped by its ceiling  4 stopped by the account   5 another run is active   6 stopped by --until
      130 interrupted
    """
    options["submit_before"] = deadline_of(session.settings.night, options, now())
    _run(session, Mode.FORCE if force else Mode.UPGRADE if upgrade else Mode.INCREMENTAL, options)


@click.command("retry-failed")
@archive_options
@source_options
@recipe_options
@formats_option
@ceiling_options
@handling_options
@on_suspect_option
@click.option(
    "--allow-rebill",
    is_flag=True,
    help="Also pay again where fal has forgotten a result that was paid for, or where it cannot be known if it was.",
)
@json_option
@click.pass_obj
def retry_failed(session: Session, /, **options: Any) -> None:
    """Transcribe again what the last run reported as failed or uncertain, and nothing else.

    What is uncertain is looked for in fal's history first; nothing is paid twice without --allow-rebill.

    \b
    Examples:
      nightscribe retry-failed s3://my-podcasts/
      nightscribe retry-failed s3://my-podcasts/ --include 'shows/a/*'
      nightscribe retry-failed s3://my-podcasts/ --allow-rebill --max-cost 5

    Exit codes are those of backfill.
    """
    _run(session, Mode.RETRY_FAILED, options)


def _run(session: Session, mode: Mode, options: dict[str, Any]) -> None:
    cancel = CancellationToken()
    wish = wish_of(session, mode, options)
    with interrupts(cancel):
        ended = carry_through(session, wish, cancel)
    run, manifest = ended.run, ended.run.outcome.manifest
    if isinstance(ended.error, Cancelled):
        click.echo(printable(interrupted(run.counts), keep="\n"), err=True)
        raise click.exceptions.Exit(EXIT_INTERRUPTED)
    if manifest is not None:
        with heard_or_not():
            summarise(run.outcome, manifest, run.counts, wish.price, as_json=options["as_json"])
    if ended.error is not None:
        raise ended.error
    for hint in run.counts.hints():
        click.echo(hint, err=True)
    raise click.exceptions.Exit(EXIT_SOME_FAILED if run.counts.has_failures else EXIT_DONE)
