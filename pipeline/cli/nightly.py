"""`nightscribe nightly`: one archive, or all of a file, one after the other, as cron starts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from pipeline import logs
from pipeline.archives_file import place_of, read_archives
from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.cli.ceilings import ceiling_options
from pipeline.cli.deadlines import deadline_of, deadline_options
from pipeline.cli.handling import handling_options
from pipeline.cli.interrupts import interrupts
from pipeline.cli.on_suspect import on_suspect_option
from pipeline.cli.options import S3Uri, archive_options, filter_options, formats_option, json_option, recipe_options
from pipeline.cli.run_ends import most_serious, run_end_of
from pipeline.cli.running import EndedRun, carry_through
from pipeline.cli.session import Session
from pipeline.cli.summary import summarise
from pipeline.cli.unheard import heard_or_not
from pipeline.cli.wishes import Wish, now, wish_of
from pipeline.errors import EXIT_INTERRUPTED, AccountError, ConfigurationError, NightscribeError
from pipeline.models import RunEnd
from pipeline.plan import Mode
from pipeline.printable import printable, printable_json
from pipeline.wiring.notify import open_notifier

_OF_THE_NIGHT = frozenset({"archives_file", "until", "time_zone", "as_json"})


def _what_to_do_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What an archive is transcribed with, apart from which one it is."""
    for options in (on_suspect_option, handling_options, ceiling_options, formats_option, recipe_options):
        command = options(command)
    return command


@click.command("archive", add_help_option=False)
@archive_options
@_what_to_do_options
def _of_file(**_options: Any) -> None:
    """An [[archive]] of a file, as the command line that it stands for."""


@click.command()
@click.argument("archive", type=S3Uri(), metavar="[s3://BUCKET/PREFIX]", required=False)
@click.option(
    "--archives",
    "archives_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Go through the archives of this file (configs/archives.example.toml describes it). Otherwise that of "
    "night.archives.",
)
@filter_options
@_what_to_do_options
@deadline_options
@json_option
@click.pass_context
def nightly(context: click.Context, /, *, archive: Any, archives_file: Path | None, **options: Any) -> None:
    """Do a night's work: transcribe what is new or changed, in one archive or in all of a file, one after the other.

    What the last night has left is gone on with, also when it was killed. A night that reaches its ceiling or its
    deadline is over: the rest is pending in the manifest, and is the next night's, under a ceiling of its own.

    \b
    Examples:
      nightscribe nightly s3://my-podcasts/ --until 06:00 --time-zone Europe/Berlin
      nightscribe nightly s3://my-podcasts/shows/ --max-cost 25 --formats vtt
      nightscribe nightly --archives configs/archives.toml --until 06:00
      nightscribe nightly --json

    \b
    Exit codes, of several archives the most serious, which is the first of:
      130 interrupted   4 stopped by the account (the archives after it are not begun)
      2 usage, configuration, or a service that is away   3 stopped by its ceiling   6 stopped by --until
      5 another run is active   1 some objects failed   0 done
    """
    session: Session = context.obj
    night = session.settings.night
    options["is_a_night"] = True
    options["submit_before"] = deadline_of(night, options, now(), otherwise=night.until)
    if archive is not None:
        if archives_file is not None:
            raise click.UsageError("--archives names archives, and so does the command line: leave one of them out.")
        wishes = [wish_of(session, Mode.INCREMENTAL, options | {"archive": archive})]
    else:
        path = archives_file or (Path(night.archives) if night.archives else None)
        if path is None:
            raise click.UsageError(
                "There is no archive to go through. Name one as s3://BUCKET/PREFIX, or a file with --archives or in "
                "the setting night.archives."
            )
        _refuse_what_belongs_to_one(context, path)
        wishes = list(_wishes_of(session, path, options))
    codes = list(_through(session, wishes, as_json=options["as_json"]))
    raise click.exceptions.Exit(most_serious(codes))


def _refuse_what_belongs_to_one(context: click.Context, path: Path) -> None:
    for parameter in context.command.params:
        is_typed = context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        if is_typed and parameter.name not in _OF_THE_NIGHT:
            raise click.UsageError(f"{parameter.opts[-1]} is said of each archive in {path}: write it there.")


def _wishes_of(session: Session, path: Path, of_night: dict[str, Any]) -> Iterator[Wish]:
    """Of all archives, so that a mistake in the last one is told before the first is begun."""
    from_night = {name: of_night[name] for name in ("is_a_night", "submit_before")}
    for number, entry in enumerate(read_archives(path), 1):
        try:
            parsed = _of_file.make_context("archive", entry.command_line()).params
            yield wish_of(session, Mode.INCREMENTAL, parsed | from_night)
        except click.UsageError as error:
            message = f"{place_of(path, number)}: {error.format_message()}"
            raise ConfigurationError(message, "bad_archives_file") from None
        except ConfigurationError as error:
            raise ConfigurationError(f"{place_of(path, number)}: {error.message}", error.reason) from error


def _through(session: Session, wishes: list[Wish], *, as_json: bool) -> Iterator[int]:
    """Does one archive after the other and tells of each; yields their exit codes."""
    cancel, notifier = CancellationToken(), open_notifier(session.settings)
    with interrupts(cancel):
        for number, wish in enumerate(wishes):
            ended = carry_through(session, wish, cancel)
            end = run_end_of(ended)
            with heard_or_not():
                _say(ended, end, as_json=as_json)
            if trouble := notifier.tell(end):
                with heard_or_not():
                    click.echo(printable(trouble), err=True)
            yield end.exit_code
            if isinstance(ended.error, AccountError | Cancelled) or cancel.is_cancelled:
                if rest := len(wishes) - number - 1:
                    click.echo(f"{rest} more archives were not begun.", err=True)
                if rest and cancel.is_cancelled:  # else the signal came too late to interrupt anything
                    yield EXIT_INTERRUPTED
                return


def _say(ended: EndedRun, end: RunEnd, *, as_json: bool) -> None:
    run, manifest = ended.run, ended.run.outcome.manifest
    if as_json:
        click.echo(printable_json(end.model_dump_json()))
    elif manifest is not None:
        summarise(run.outcome, manifest, run.counts, run.wish.price, as_json=False)
    if end.message:
        if not isinstance(ended.error, NightscribeError | Cancelled):
            logs.get_logger().error("run_failed_by_our_fault", exc_info=ended.error)
        start = "" if isinstance(ended.error, Cancelled) else f"Error: {end.archive.uri}: "
        click.echo(printable(start + end.message, keep="\n"), err=True)
    for hint in run.counts.hints():
        click.echo(hint, err=True)
