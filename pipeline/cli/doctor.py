"""`nightscribe doctor`: looks at everything a run rests on, and says what to do."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict

import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from pipeline.cli.options import S3Uri, json_option
from pipeline.cli.session import Session
from pipeline.doctor import Check, Finding, Seen, Verdict, checkup, failed, not_checked
from pipeline.errors import EXIT_DONE, EXIT_USAGE, ConfigurationError
from pipeline.models import Place
from pipeline.printable import printable
from pipeline.wiring.doctor import lanes, machine_lane

_WITHIN_S = 20.0  # of one check; a refused connection or a right answer comes in a fraction of it
_MARKS = {
    Verdict.OK: ("ok", "green"),
    Verdict.WARNING: ("warning", "yellow"),
    Verdict.FAILED: ("FAILED", "bold red"),
    Verdict.NOT_CHECKED: ("not checked", "dim"),
}
_MARK_WIDTH = max(len(mark) for mark, _ in _MARKS.values()) + 2


@click.command()
@click.argument("archive", type=S3Uri(), required=False, metavar="[s3://BUCKET/PREFIX]")
@click.option("--output", type=S3Uri(), help="Where results go, when not beside the audio: there it is tried to write.")
@json_option
@click.pass_obj
def doctor(session: Session, *, archive: Place | None, output: Place | None, as_json: bool) -> None:
    """Look at everything a run rests on: settings, S3 and its rights, Redis, workers, fal. Says what to do.

    Nothing of it costs anything. With an archive a probe is written under _nightscribe/ where results go, and deleted
    again. What a warning means is in docs/doctor.md.

    \b
    Examples:
      nightscribe doctor
      nightscribe doctor s3://my-podcasts/
      nightscribe doctor s3://my-podcasts/shows/ --output s3://my-transcripts/ --json

    Exit codes: 0 nothing failed, 2 something failed.
    """
    if output is not None and archive is None:
        raise click.UsageError("--output belongs to an archive: nightscribe doctor s3://BUCKET/PREFIX --output ...")
    with ExitStack() as stack:
        try:
            checks = [*lanes(session.loaded, session.environment, archive, output, stack), machine_lane()]
        except ConfigurationError as error:
            checks = [_unsettled(failed(error.message)), machine_lane()]
        found = checkup(checks, within_s=_WITHIN_S)
    is_well = all(finding.verdict is not Verdict.FAILED for finding in found)
    if as_json:
        click.echo(json.dumps({"ok": is_well, "checks": [asdict(finding) for finding in found]}, indent=1))
    else:
        _print(found)
    raise click.exceptions.Exit(EXIT_DONE if is_well else EXIT_USAGE)


def _unsettled(seen: Seen) -> list[Check]:
    """What is left to check without settings."""
    return [
        Check("settings", lambda: seen),
        *(Check(name, lambda: not_checked("The settings are to be mended first.")) for name in ("s3", "redis", "fal")),
    ]


def _print(found: list[Finding]) -> None:
    console = Console(highlight=False, soft_wrap=False)
    for finding in found:
        mark, style = _MARKS[finding.verdict]
        console.print(Text.assemble((f"{mark:<{_MARK_WIDTH}}", style), (printable(finding.name), "bold")))
        console.print(_indented(finding.saw))
        if finding.advice:
            console.print(_indented(f"-> {finding.advice}"))
    count = {verdict: sum(finding.verdict is verdict for finding in found) for verdict in Verdict}
    console.print(", ".join(f"{number} {verdict.value}" for verdict, number in count.items() if number))


def _indented(text: str) -> Padding:
    return Padding(Text(printable(text)), (0, 0, 0, _MARK_WIDTH), expand=False)
