"""The `nightscribe` command: a group of commands, one file each, and the one place where errors become exit codes.

0 done    1 some objects failed    2 usage, configuration, a service away    3 stopped by its ceiling
4 stopped by the account    5 another run is active    6 stopped by its deadline    130 interrupted
"""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import NoReturn

import click

from pipeline import __version__
from pipeline.cli.commands import COMMANDS
from pipeline.cli.on_demand import OnDemandGroup
from pipeline.errors import EXIT_INTERRUPTED, EXIT_USAGE, NightscribeError
from pipeline.printable import printable
from pipeline.redaction import redact


@click.group(
    cls=OnDemandGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="nightscribe")
@click.pass_context
def nightscribe(context: click.Context) -> None:
    """Transcribe a whole S3 podcast archive with fal's speech-to-text models, and pay for each episode once.

    \b
    Examples:
      nightscribe plan s3://my-podcasts/            what would be done, and what it costs
      nightscribe backfill s3://my-podcasts/        do it (workers: make worker)
      nightscribe show s3://my-podcasts/ep1.mp3     read a transcript
      nightscribe transcribe https://host/ep1.mp3   one recording, nothing else needed

    Settings: nightscribe config show. Without an account: make demo.
    """
    # Here and below, not at the top: pydantic and structlog load for several times as long as help takes.
    from pipeline.cli.session import Session  # noqa: PLC0415

    context.obj = Session(os.environ)


def main() -> NoReturn:
    """Runs the command line and exits with its code; prints one clear message for whatever goes wrong."""
    try:
        code = nightscribe.main(standalone_mode=False)
    except click.exceptions.Exit as end:
        code = end.exit_code
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        # It quotes what was typed: perhaps a presigned URL.
        click.echo(printable(redact(shown.getvalue()), keep="\n"), err=True, nl=False)
        code = EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = EXIT_INTERRUPTED
    except NightscribeError as error:
        # Only DuckDB draws: an arrow below the line of the SQL that it did not understand.
        lines = "\n" if error.reason == "bad_query" else ""
        click.echo(f"Error: {printable(redact(error.message), keep=lines)}", err=True)
        code = error.exit_code
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; that is its right. Nothing more can be printed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001  the last line of defence: people get a sentence, the log the traceback
        from pipeline import logs  # noqa: PLC0415

        logs.get_logger().exception("command_failed_by_our_fault")
        click.echo(
            f"Error: Nightscribe itself failed ({type(error).__name__}). Nothing that was paid for is lost; the same "
            "command goes on where it stopped. Please report the log lines above.",
            err=True,
        )
        code = 1
    # On its way out Python looks through all that is loaded for garbage, several times. The process ends anyway; only
    # DuckDB complains of what was not taken apart.
    if "duckdb" not in sys.modules:
        gc.freeze()
    sys.exit(code or 0)
