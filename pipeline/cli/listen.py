"""`nightscribe listen`: new objects are transcribed as soon as S3 tells of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import click

from pipeline import keys as names
from pipeline import logs
from pipeline.arrivals.decoding import Event
from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.cli.archive_run import ArchiveRun
from pipeline.cli.arriving import Listening
from pipeline.cli.ceilings import ceiling_options, stopped
from pipeline.cli.handling import handling_options
from pipeline.cli.interrupts import interrupts
from pipeline.cli.on_suspect import on_suspect_option
from pipeline.cli.options import S3Uri, formats_option, recipe_options
from pipeline.cli.progress import make_progress
from pipeline.cli.session import Session
from pipeline.cli.sources import Source
from pipeline.cli.wishes import Wish, wish_of
from pipeline.discover import selection
from pipeline.errors import EXIT_INTERRUPTED, AccountError, BudgetReachedError, ConfigurationError
from pipeline.limits.base import Ceiling
from pipeline.plan import Mode
from pipeline.printable import printable
from pipeline.redaction import redact
from pipeline.settings import Settings
from pipeline.wiring.arrivals import open_inbox


@click.command()
@click.argument("archive", type=S3Uri(), metavar="s3://BUCKET/PREFIX")
@click.option("--queue-url", required=True, metavar="URL", help="The SQS queue that S3's event notifications go to.")
@click.option("--include", multiple=True, metavar="GLOB", help="Only keys that match. May be repeated.")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out keys that match. May be repeated.")
@click.option("--output", type=S3Uri(), help="Put results under this place instead of beside the audio.")
@recipe_options
@formats_option
@ceiling_options
@handling_options
@on_suspect_option
@click.pass_obj
def listen(session: Session, /, *, queue_url: str, **options: Any) -> None:
    """Transcribe new objects under s3://BUCKET/PREFIX as soon as S3 tells of them, until stopped.

    Takes S3's event notifications from an SQS queue, also through SNS or EventBridge, gathers them for a while
    (listen.gather_s, listen.batch_size), and makes a run over exactly these objects. What is done already is not paid
    for again, however often S3 tells of it. A message is deleted once its run is complete; after a crash it comes
    back. Events may be lost on their way: keep a nightly run. A ceiling bounds each run.

    The queue must be this listener's own: messages about other objects are deleted. docs/listen.md says how to set
    it up. Workers must be running: make worker.

    \b
    Examples:
      nightscribe listen s3://my-podcasts/ --queue-url https://sqs.eu-central-1.amazonaws.com/123456789012/episodes
      nightscribe listen s3://my-podcasts/shows/ --queue-url "$QUEUE_URL" --language de --formats vtt --max-cost 5
    """
    wish = wish_of(session, Mode.INCREMENTAL, {**options, "limit": None})
    cancel = CancellationToken()
    runs = _Runs(session, wish, cancel)
    with closing(open_inbox(queue_url, session.settings)) as inbox:
        listening = Listening(
            inbox=inbox,
            settings=session.settings.listen,
            concerns=concerns(session.settings, wish),
            transcribe=runs.transcribe,
            cancel=cancel,
            say=say,
            again_s=session.settings.run.dispatcher_lease_s,
        )
        say(f"Listening to {redact(queue_url)} for {wish.uri}")
        try:
            with interrupts(cancel):
                listening.listen()
        except Cancelled:
            say("Stopped. Messages that were not done are back in the queue; nothing is lost or paid twice.")
    raise click.exceptions.Exit(EXIT_INTERRUPTED if runs.is_cut else 0)


def concerns(settings: Settings, wish: Wish) -> Callable[[Event], bool]:
    """Whether an event is about audio of this archive, and not about a file of ours or one that is left out."""
    chosen = selection(settings.audio, wish.include, wish.exclude)

    def is_heeded(event: Event) -> bool:
        key = event.key
        if event.bucket != wish.archive.bucket or not key.startswith(wish.archive.prefix):
            return False
        if names.is_ours(key) or not chosen.is_audio(key) or chosen.excludes(key) or not names.fits(key):
            return False
        if "\0" in key:  # it ends a key in the list that the run is given
            logs.get_logger().warning("key_left_to_the_next_listing", key=key)
            return False
        return True

    return is_heeded


def say(sentence: str) -> None:
    """A line for people, on standard error."""
    click.echo(printable(redact(sentence)), err=True)


@dataclass
class _Runs:
    """Runs over the keys of one batch each."""

    session: Session
    wish: Wish
    cancel: CancellationToken
    is_cut: bool = False
    """Whether the last one was stopped in its middle."""

    def transcribe(self, keys: list[str]) -> None:
        """One run. Raises what `ArchiveRun.events` raises, told for a listener."""
        with _listed(keys) as file:
            wish = replace(self.wish, source=Source(keys_file=str(file), is_nul_separated=True))
            run = ArchiveRun(self.session, wish, self.cancel)
            try:
                self._follow(run, len(keys))
            except Cancelled:
                self.is_cut = True
                raise
            except ConfigurationError as error:
                if error.reason != "empty_archive":
                    raise
                say("None of the new objects is there any more.")
            except AccountError as error:
                raise AccountError(
                    f"Listening has ended, for fal refuses the account: {error.message} The messages are back in the "
                    "queue. When that is mended, run the same command again: it goes on where it stopped.",
                    error.reason,
                ) from error
            except BudgetReachedError as error:
                use, ceiling = run.counts.budget, wish.ceiling or Ceiling()
                message = stopped(run.outcome, use, ceiling, wish.price, wish.second_price)
                raise BudgetReachedError(f"{message} The messages are back in the queue.", error.reason) from error

    def _follow(self, run: ArchiveRun, objects: int) -> None:
        events = run.events()
        first = next(events, None)  # whether there is a run at all: while another is active, nothing is to be shown
        say(f"{objects} new objects: run {run.outcome.run_id}")
        with make_progress(self.session.settings.run.progress_every_s, run.counts) as progress:
            for event in chain([first] if first else [], events):
                progress.show(event)
        for hint in run.counts.hints():
            say(hint)


@contextmanager
def _listed(keys: list[str]) -> Iterator[Path]:
    """The keys as the file that a run reads: it may read it again, and they are no part of its memory then."""
    with tempfile.TemporaryDirectory(prefix="nightscribe-") as folder:
        file = Path(folder) / "keys"
        file.write_bytes(b"".join(key.encode() + b"\0" for key in keys))
        yield file
