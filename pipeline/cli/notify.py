"""`nightscribe notify`: tells how the last run ended to whoever the settings name."""

from __future__ import annotations

import click

from pipeline.cli.last_end import last_end
from pipeline.cli.options import S3Uri
from pipeline.cli.session import Session
from pipeline.cli.wishes import now
from pipeline.errors import EXIT_DONE, ConfigurationError, ServiceUnavailableError
from pipeline.models import Ending, Place, RunEnd
from pipeline.wiring.notify import open_notifier


@click.command()
@click.argument("archive", type=S3Uri(), required=False, metavar="[s3://BUCKET/PREFIX]")
@click.option("--output", type=S3Uri(), help="Where the archive's results are, when not beside the audio.")
@click.option("--test", "is_test", is_flag=True, help="Send a message that says it is a test; no archive is looked at.")
@click.pass_obj
def notify(session: Session, *, archive: Place | None, output: Place | None, is_test: bool) -> None:
    """Tell how the last finished run over an archive ended, by the command or webhook of the settings.

    `nightscribe nightly` does so by itself, for the endings of notify.on; this tells of any ending, now. The command
    (notify.command) gets the summary as JSON on its standard input; the webhook (notify.webhook_url) gets Slack's JSON.

    \b
    Examples:
      NIGHTSCRIBE_NOTIFY_WEBHOOK_URL=https://hooks.slack.com/services/... nightscribe notify --test
      NIGHTSCRIBE_NOTIFY_COMMAND='mail -s Nightscribe ops@example.org' nightscribe notify --test
      nightscribe notify s3://my-podcasts/

    Exit codes: 0 told, 2 nobody to tell, nothing to tell of, or somebody could not be told.
    """
    if is_test == (archive is not None):
        raise click.UsageError("Name an archive, as s3://BUCKET/PREFIX, or --test, and not both.")
    chosen = session.settings.notify
    if not chosen.command.strip() and not chosen.webhook_url.get_secret_value():
        raise ConfigurationError(
            "There is nobody to tell. Set NIGHTSCRIBE_NOTIFY_WEBHOOK_URL to a webhook that takes Slack's JSON, or "
            "NIGHTSCRIBE_NOTIFY_COMMAND to a command that reads JSON.",
            "no_notifier",
        )
    if archive is None:
        end = _test_message()
    else:
        end = last_end(session.storage, archive, output or Place(bucket=archive.bucket))
    if trouble := open_notifier(session.settings, tuple(Ending)).tell(end):
        raise ServiceUnavailableError(trouble, "not_told")
    click.echo(f"Told of {'a test' if archive is None else f'run {end.run_id}'}: {end.ending.value}.")
    raise click.exceptions.Exit(EXIT_DONE)


def _test_message() -> RunEnd:
    place = Place(bucket="this-is-a-test")
    return RunEnd(
        archive=place,
        output=place,
        run_id="test",
        ending=Ending.DONE,
        exit_code=EXIT_DONE,
        message="This is a test of nightscribe notify: no run has ended.",
        started_at=now(),
        finished_at=now(),
    )
