"""What is said of a run that has its manifest."""

from __future__ import annotations

import json

import click

from pipeline import keys
from pipeline.cli.counts import Counts
from pipeline.cli.outcome import Outcome
from pipeline.models import Manifest, Place, Price
from pipeline.printable import printable, printable_json


def summarise(outcome: Outcome, manifest: Manifest, counts: Counts, price: Price | None, *, as_json: bool) -> None:
    """Prints it: the manifest as JSON, or the summary for people."""
    if as_json:
        click.echo(printable_json(manifest.model_dump_json(indent=1)))
    else:
        _for_people(outcome, manifest, counts, price)


def manifest_uri(output: Place, archive: Place, run_id: str) -> str:
    """Where the manifest of a run lies."""
    return f"s3://{output.bucket}/{keys.run_folder(output, archive, run_id)}manifest.json"


def _for_people(outcome: Outcome, manifest: Manifest, counts: Counts, price: Price | None) -> None:
    totals = manifest.totals
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
    click.echo(printable(f"  manifest   {manifest_uri(manifest.output, manifest.archive, manifest.run_id)}"))
    if outcome.report_uri:
        click.echo(printable(f"  report     {outcome.report_uri}"))
