"""`nightscribe plan`: what a backfill would do and cost, without a single write or fal call."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from pipeline import manifest, pricing
from pipeline.cli.options import archive_options, json_option, recipe_options
from pipeline.cli.session import Session
from pipeline.cli.sources import source_options
from pipeline.cli.wishes import Wish, decisions, wish_of
from pipeline.models import Job, Skip
from pipeline.plan import Mode
from pipeline.settings import Settings

_SECONDS_PER_HOUR = 3600.0
_EXPLANATIONS = {
    "current": "transcribed already, with this recipe",
    "other_recipe": "transcribed already, with another model or arguments (--upgrade redoes them)",
    "failed_before": "failed in an earlier run, for a reason of their own (retry-failed tries again)",
    "not_failed": "did not fail",
    "empty_object": "zero bytes",
    "too_large": "larger than audio.max_size_bytes",
    "foreign_sidecar": "a file that Nightscribe did not write stands where the sidecar goes",
    "key_too_long": "the key leaves no room for a sidecar's",
    "excluded": "left out by --include or --exclude",
    "over_limit": "beyond --limit",
    "gone": "in the last manifest, and not in the archive any more",
}


@dataclass
class Estimate:
    """Sums over the decisions of a plan."""

    jobs: int = 0
    size_bytes: int = 0
    audio_s: float = 0.0
    skips: dict[str, int] = field(default_factory=dict)

    def add(self, decision: Job | Skip, settings: Settings) -> None:
        """Adds one decision."""
        if isinstance(decision, Skip):
            self.skips[decision.reason.value] = self.skips.get(decision.reason.value, 0) + 1
            return
        self.jobs += 1
        self.size_bytes += decision.object.size_bytes
        self.audio_s += pricing.assumed_duration_s(settings.audio, decision.object)


@click.command()
@archive_options
@source_options
@recipe_options
@click.option("--retry-failed", "retry", is_flag=True, help="Plan as nightscribe retry-failed would.")
@click.option("--upgrade", is_flag=True, help="Plan as nightscribe backfill --upgrade would.")
@click.option("--list", "as_list", is_flag=True, help="Print the decision on every object.")
@json_option
@click.pass_obj
def plan(session: Session, /, *, retry: bool, upgrade: bool, as_list: bool, as_json: bool, **options: Any) -> None:
    """Show what a backfill would do: what is new, what is skipped and why, hours and cost.

    Nothing is written and fal is not called. Durations are estimates from sizes, for no audio is opened.

    \b
    Examples:
      nightscribe plan s3://my-podcasts/
      nightscribe plan s3://my-podcasts/ --list
      nightscribe plan s3://my-podcasts/shows/ --model fal-ai/wizper --json
    """
    mode = Mode.RETRY_FAILED if retry else Mode.UPGRADE if upgrade else Mode.INCREMENTAL
    wish = wish_of(session, mode, options)
    estimate = Estimate()
    last = manifest.read_latest(session.storage, wish.output, wish.archive)
    request = wish.request("plan", budgeted=False)
    for decision in decisions(session.storage, session.settings, wish, request=request, last=last):
        estimate.add(decision, session.settings)
        if as_list:
            click.echo(_line(decision))
    if as_json:
        click.echo(json.dumps(_as_json(estimate, wish, session.settings), indent=1))
    else:
        _print(estimate, wish, session.settings)


def _line(decision: Job | Skip) -> str:
    if isinstance(decision, Job):
        return f"transcribe  {decision.object.key!r}"
    return f"skip        {decision.row.key!r}  ({decision.reason})"


def _as_json(estimate: Estimate, wish: Wish, settings: Settings) -> dict[str, Any]:
    cost = pricing.cost_of(settings, wish.recipe.endpoint_id, estimate.audio_s)
    return {
        "archive": wish.uri,
        "recipe": {"endpoint_id": wish.recipe.endpoint_id, "arguments": wish.recipe.arguments},
        "jobs": estimate.jobs,
        "skips": estimate.skips,
        "size_bytes": estimate.size_bytes,
        "estimated_audio_s": round(estimate.audio_s, 1),
        "estimated_cost_usd": cost.usd,
        "cost_basis": cost.basis,
    }


def _print(estimate: Estimate, wish: Wish, settings: Settings) -> None:
    cost = pricing.cost_of(settings, wish.recipe.endpoint_id, estimate.audio_s)
    table = Table(title=f"Plan for {wish.uri}", title_justify="left", show_header=False, box=None)
    table.add_row("transcribe", str(estimate.jobs), f"with {wish.recipe.endpoint_id} {wish.recipe.arguments or ''}")
    for reason, number in sorted(estimate.skips.items()):
        table.add_row("skip", str(number), f"{reason}: {_EXPLANATIONS.get(reason, reason)}")
    console = Console(highlight=False, soft_wrap=True)
    console.print(table)
    hours = estimate.audio_s / _SECONDS_PER_HOUR
    console.print(f"Audio: about {hours:.2f} h ({estimate.size_bytes / 1e6:.1f} MB at the usual bit rates)")
    if not estimate.jobs:
        console.print("Cost: nothing to do, nothing to pay")
    elif cost.usd is None:
        console.print(
            f"Cost: unknown, {cost.basis}. fal publishes none for some models; set it under "
            f'[prices."{wish.recipe.endpoint_id}"] usd_per_audio_hour once your bill tells it.',
            markup=False,
        )
    else:
        console.print(f"Cost: about {cost.usd:.2f} USD ({cost.basis})")
