"""`nightscribe plan`: what a backfill would do, cost and take, without a single write or fal call."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import click

from pipeline import manifest
from pipeline.cli.forecast_table import print_forecast
from pipeline.cli.on_suspect import SecondsExpected, on_suspect_option, seconds_expected
from pipeline.cli.options import archive_options, formats_option, json_option, recipe_options
from pipeline.cli.progress import said_every
from pipeline.cli.session import Session
from pipeline.cli.sources import source_options
from pipeline.cli.wishes import Wish, decisions, wish_of
from pipeline.forecast import Audio, Decided, Experience, Forecast, Interval, KnownLengths, forecast
from pipeline.models import Job, Skip, Untouched
from pipeline.plan import Mode, Standing
from pipeline.storage.counting import CountingStorage

_LOOK_AT_CLOCK = 1000  # decisions between two looks: some ten milliseconds
_PAID_BEFORE = (Standing.CURRENT, Standing.OTHER_RECIPE, Standing.SIDECAR_MISSING, Standing.RESULT_EXPIRED)


@click.command()
@archive_options
@source_options
@recipe_options
@formats_option
@on_suspect_option
@click.option("--retry-failed", "retry", is_flag=True, help="Plan as nightscribe retry-failed would.")
@click.option("--upgrade", is_flag=True, help="Plan as nightscribe backfill --upgrade would.")
@click.option("--force", is_flag=True, help="Plan as nightscribe backfill --force would: what is paid for again.")
@click.option("--list", "as_list", is_flag=True, help="Print the decision on every object.")
@json_option
@click.pass_obj
def plan(session: Session, /, *, as_list: bool, as_json: bool, **options: Any) -> None:
    """Show what a backfill would do: what is new, what is skipped and why, hours, cost, S3 requests and time.

    Nothing is written and fal is not called. Durations are estimates from sizes, for no audio is opened: by the bit
    rates in the last manifest where it has enough recordings, else by usual ones.

    \b
    Examples:
      nightscribe plan s3://my-podcasts/
      nightscribe plan s3://my-podcasts/ --list
      nightscribe plan s3://my-podcasts/ --force --formats vtt,srt
      nightscribe plan s3://my-podcasts/shows/ --model fal-ai/wizper --json
    """
    wish = wish_of(session, _mode(options), options)
    settings, endpoint_id = session.settings, wish.recipe.endpoint_id
    kinds, storage = settings.audio.assumed_kbps, CountingStorage(session.storage)
    decided, experience, lengths = Decided(kinds), Experience(endpoint_id, kinds), KnownLengths()
    last = manifest.read_latest(storage, wish.output, wish.archive)
    planned = decisions(
        storage,
        settings,
        wish,
        request=wish.request("plan", budgeted=False, one_by_one=as_list),
        last=last,
        watched=lambda known: lengths.watched(experience.watched(known)),
    )
    say = said_every(settings.run.progress_every_s)
    for number, decision in enumerate(planned, 1):
        decided.add(decision, lengths.of(decision))
        if number % _LOOK_AT_CLOCK == 0 or isinstance(decision, Untouched):
            say(f"{decided.objects:,} objects planned")
        if as_list and not isinstance(decision, Untouched):
            click.echo(_line(decision))
    expected = forecast(
        decided,
        experience,
        settings,
        endpoint_id=endpoint_id,
        price=wish.price,
        formats=len(wish.formats),
        asked=storage.requests,
        last=last,
        paid_before=_PAID_BEFORE,
    )
    seconds = seconds_expected(wish.second, wish.second_price, expected, last) if wish.second else None
    if as_json:
        click.echo(json.dumps(_as_json(decided, expected, wish) | _seconds(seconds), indent=1))
    else:
        print_forecast(decided, expected, wish, seconds)


def _mode(options: dict[str, Any]) -> Mode:
    retry, upgrade, force = options.pop("retry"), options.pop("upgrade"), options.pop("force")
    if retry and (upgrade or force):
        raise click.UsageError("--retry-failed plans another command than --upgrade and --force: give one of them.")
    if retry:
        return Mode.RETRY_FAILED
    return Mode.FORCE if force else Mode.UPGRADE if upgrade else Mode.INCREMENTAL


def _line(decision: Job | Skip) -> str:
    if isinstance(decision, Job):
        return f"transcribe  {decision.object.key!r}  ({decision.planned_as})"
    return f"skip        {decision.row.key!r}  ({decision.reason})"


def _as_json(decided: Decided, expected: Forecast, wish: Wish) -> dict[str, Any]:
    total, time = expected.total, expected.time
    return {
        "archive": wish.uri,
        "recipe": {"endpoint_id": wish.recipe.endpoint_id, "arguments": wish.recipe.arguments},
        "jobs": total.jobs,
        "jobs_as": {name: sizes.objects for name, sizes in sorted(decided.jobs_as.items())},
        "skips": dict(sorted(decided.skips.items())),
        "size_bytes": total.size_bytes,
        **_audio(total),
        "audio_basis": expected.audio_basis,
        "cost_basis": expected.cost_basis,
        "paid_again": {"jobs": expected.again.jobs, **_audio(expected.again)},
        "s3": {
            "requests": dict(sorted(expected.requests.items())),
            "requests_usd": round(expected.requests_usd, 9),
            "fal_download_bytes": total.size_bytes,
            "fal_download_usd": round(expected.download_usd, 9),
        },
        "time": {
            "estimated_s": round(time.takes_s.likely, 3),
            "estimated_s_range": _range(time.takes_s, 3),
            "speed": round(time.speed, 2),
            "at_once": time.at_once,
            "basis": time.basis,
        },
    }


def _seconds(seconds: SecondsExpected | None) -> dict[str, Any]:
    return {"second_opinions": seconds and asdict(seconds)}


def _audio(audio: Audio) -> dict[str, Any]:
    cost = audio.cost_usd
    return {
        "estimated_audio_s": round(audio.audio_s.likely, 1),
        "estimated_audio_s_range": _range(audio.audio_s, 1),
        "estimated_cost_usd": cost and round(cost.likely, 9),
        "estimated_cost_usd_range": cost and _range(cost, 9),
    }


def _range(interval: Interval, digits: int) -> list[float]:
    return [round(interval.low, digits), round(interval.high, digits)]
