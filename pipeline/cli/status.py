"""`nightscribe status`: open runs with their budgets, queue, permits, workers, and an archive's last manifest."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from pipeline import manifest
from pipeline.cli.ceilings import used
from pipeline.cli.options import S3Uri, json_option
from pipeline.cli.session import Session
from pipeline.limits.base import Ceiling
from pipeline.models import Place, State
from pipeline.printable import printable
from pipeline.wiring.status import StatusParts, open_status


@click.command()
@click.argument("archive", type=S3Uri(), required=False, metavar="[s3://BUCKET/PREFIX]")
@click.option("--output", type=S3Uri(), help="Where the archive's results are, when not beside the audio.")
@json_option
@click.pass_obj
def status(session: Session, *, archive: Place | None, output: Place | None, as_json: bool) -> None:
    """Show what is running now; with an archive also what its last manifest says.

    \b
    Examples:
      nightscribe status
      nightscribe status s3://my-podcasts/
      nightscribe status --json
    """
    state = _live_state(session)
    if archive is not None:
        last = manifest.read_latest(session.storage, output or Place(bucket=archive.bucket), archive)
        state["manifest"] = last.model_dump(mode="json") if last else None
    if as_json:
        click.echo(json.dumps(state, indent=1))
    else:
        _print(state, archive)


def _live_state(session: Session) -> dict[str, Any]:
    parts = open_status(session.settings)
    try:
        order = parts.runs.stop_order()
        return {
            "workers": [asdict(worker) for worker in parts.runs.workers()],
            "queued": parts.queue.look().jobs,
            "permits": asdict(parts.permits.use()),
            "runs": [asdict(run) | _budget(parts, run.run_id) for run in parts.runs.summaries()],
            "stopped_because": order.message if order else None,
        }
    finally:
        parts.close()


def _budget(parts: StatusParts, run_id: str) -> dict[str, Any]:
    """The budget of a run, for programs and for people; empty without a ceiling."""
    use = parts.budget.use(run_id)
    if use is None or use.ceiling == Ceiling():
        return {}
    return {"budget": asdict(use) | {"said": used(use)}}


def _print(state: dict[str, Any], archive: Place | None) -> None:
    workers = state["workers"]
    busy = sum(worker["busy"] for worker in workers)
    click.echo(
        f"workers   {len(workers)} alive, {busy} jobs held at their last heartbeat"
        + ("" if workers else " (start one: make worker)")
    )
    click.echo(f"queue     {state['queued']} messages")
    if stuck := [worker["name"] for worker in workers if worker["is_stuck"]]:
        click.echo(f"stuck     {', '.join(stuck)}: alive, but takes no jobs any more; restart it")
    permits = state["permits"]
    lowered = "" if permits["limit"] >= permits["ceiling"] else f" ({permits['ceiling']} once fal copes again)"
    click.echo(f"permits   {permits['held']} of {permits['limit']} in use{lowered}")
    for run in state["runs"]:
        dispatcher = "running" if run["dispatcher_alive"] else "not dispatched; run backfill again to go on"
        click.echo(
            f"run       {run['run_id']} of {printable(run['archive_uri'])} with {run['endpoint_id']}: "
            f"{run['outstanding']} outstanding ({dispatcher})"
        )
        if "budget" in run:
            reached = ", reached: raise the ceiling to go on" if run["budget"]["is_reached"] else ""
            click.echo(f"budget    {run['budget']['said']} used{reached}")
    if not state["runs"]:
        click.echo("run       none open")
    if state["stopped_because"]:
        click.echo(f"stopped   {printable(state['stopped_because'])}")
    if archive is None:
        return
    if (last := state["manifest"]) is None:
        click.echo(f"manifest  none yet for {printable(archive.uri)}")
        return
    totals = last["totals"]
    states = ", ".join(f"{number} {name}" for name, number in sorted(totals["by_state"].items()))
    click.echo(f"manifest  {last['run_id']}, finished {last['finished_at']}: {totals['objects']} objects, {states}")
    if uncertain := totals["by_state"].get(State.UNCERTAIN.value):
        click.echo(f"uncertain {uncertain} objects: the next backfill asks fal's history what became of them")
