"""`nightscribe backfill` and `nightscribe retry-failed`: a whole archive, from enumeration to manifest."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

from pipeline import keys
from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.cli.again import same_command
from pipeline.cli.archive_run import ArchiveRun
from pipeline.cli.ceilings import ceiling_options, stopped
from pipeline.cli.counts import Counts
from pipeline.cli.handling import handling_options
from pipeline.cli.on_suspect import on_suspect_option
from pipeline.cli.options import archive_options, formats_option, json_option, recipe_options
from pipeline.cli.outcome import Outcome
from pipeline.cli.progress import make_progress
from pipeline.cli.session import Session
from pipeline.cli.sources import source_options
from pipeline.cli.wishes import wish_of
from pipeline.errors import EXIT_DONE, EXIT_INTERRUPTED, EXIT_SOME_FAILED, AccountError, BudgetReachedError
from pipeline.limits.base import Ceiling
from pipeline.models import Manifest, Price
from pipeline.plan import Mode
from pipeline.printable import printable, printable_json


@click.command()
@archive_options
@source_options
@recipe_options
@formats_option
@ceiling_options
@handling_options
@on_suspect_option
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
      nightscribe backfill s3://my-podcasts/ --arg batch_size=16 --output s3://my-transcripts/podcasts/

    \b
    Exit codes:
      0 done   1 some objects failed   2 usage, configuration, or a service that is away
      3 stopped by its ceiling  4 stopped by the account   5 another run is active   130 interrupted
    """
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
    run = ArchiveRun(session, wish, cancel)
    progress = make_progress(session.settings.run.progress_every_s, run.counts)
    try:
        with _interrupts(cancel), progress:
            for event in run.events():
                progress.show(event)
    except Cancelled:
        click.echo(printable(_interrupted(run.counts), keep="\n"), err=True)
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from None
    except AccountError as error:
        raise AccountError(
            f"The run was stopped, for fal refuses the account: {error.message} What was accepted is kept. When that "
            "is mended, run the same command again: it goes on where it stopped.",
            error.reason,
        ) from error
    except BudgetReachedError as error:
        use, ceiling = run.counts.budget, wish.ceiling or Ceiling()
        message = stopped(run.outcome, use, ceiling, wish.price, wish.second_price)
        raise BudgetReachedError(message, error.reason) from error
    counts = run.counts
    if run.outcome.manifest is not None:
        _summarise(run.outcome, run.outcome.manifest, counts, wish.price, as_json=options["as_json"])
    for hint in counts.hints():
        click.echo(hint, err=True)
    failed = counts.failed + counts.failed_in_plan + counts.uncertain
    raise click.exceptions.Exit(EXIT_SOME_FAILED if failed else EXIT_DONE)


@contextmanager
def _interrupts(cancel: CancellationToken) -> Iterator[None]:
    """The first SIGINT or SIGTERM stops in order; the second ends at once, as the user then wishes."""
    signals = 0

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            raise KeyboardInterrupt
        # From another thread: the main thread may be inside the token's own lock when the signal arrives.
        threading.Thread(target=cancel.cancel, daemon=True).start()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupted(counts: Counts) -> str:
    return (
        f"Stopped: nothing more is enqueued. {counts.outstanding} jobs are queued or in work; workers go on with them "
        "and nothing is lost or paid twice.\n"
        f"To go on, run the same command again: {same_command()}"
    )


def _summarise(outcome: Outcome, manifest: Manifest, counts: Counts, price: Price | None, *, as_json: bool) -> None:
    if as_json:
        click.echo(printable_json(manifest.model_dump_json(indent=1)))
        return
    totals = manifest.totals
    folder = keys.run_folder(manifest.output, manifest.archive, manifest.run_id)
    states = ", ".join(f"{number} {state}" for state, number in sorted(totals.by_state.items()))
    faults = {reason: number for reason, number in sorted(totals.by_reason.items()) if reason != "planned"}
    gone = f", {counts.gone} gone" if counts.gone else ""
    unchanged = "" if manifest.run_id == outcome.run_id else f": nothing has changed since run {manifest.run_id}"
    click.echo(printable(f"Run {outcome.run_id} of {manifest.archive.uri}{unchanged}"))
    click.echo(f"  archive    {totals.objects} objects: {states}; {totals.audio_s / 3600:.2f} h transcribed")
    if faults:
        click.echo(f"  reasons    {json.dumps(faults)[1:-1]}")
    if totals.suspect:
        click.echo(
            f"  suspect    {totals.suspect} transcripts read wrong: nightscribe query --named suspicious lists them"
        )
    if counts.seconds:
        click.echo(f"  second     {counts.seconds_line()}")
    click.echo(
        f"  this run   {counts.done} done, {counts.failed + counts.failed_in_plan} failed, {counts.uncertain} "
        f"uncertain, {counts.skipped} skipped{gone}; {counts.cost_line()} in {counts.elapsed_s:.1f} s"
    )
    if counts.done and price is not None:
        click.echo(f"  price      {price.shown}")
    click.echo(printable(f"  manifest   s3://{manifest.output.bucket}/{folder}manifest.json"))
