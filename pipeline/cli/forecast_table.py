"""A plan and its forecast for people: decisions by number, then a line each for audio, cost, S3 and time."""

from __future__ import annotations

from collections.abc import Iterator

import click

from pipeline.cli.on_suspect import SecondsExpected
from pipeline.cli.wishes import Wish
from pipeline.forecast import Decided, Forecast, Interval
from pipeline.printable import printable

_FOUND_AS = {
    "new": "not transcribed yet",
    "changed": "the audio is another than when it was last looked at",
    "sidecar_missing": "its transcript was there and is gone",
    "pending": "planned before and not done",
    "current": "transcribed already, with this recipe",
    "recipe_changed": "transcribed already, with another model or arguments",
    "failed_before": "failed in an earlier run, for a reason of its own",
    "failed_with_other_recipe": "failed in an earlier run, with another model or arguments",
    "failed_in_passing": "failed in an earlier run, for a reason that may be over",
    "stale": "replaced while it was being transcribed",
    "uncertain": "may have been paid for: fal's history is asked before anything is sent",
    "result_expired": "paid for, and its result is forgotten by fal",
    "left_under_ceiling": "of unknown length, and left under a ceiling",
}
_SKIPPED = {
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
_METHODS = ("LIST", "GET", "HEAD", "PUT", "POST", "DELETE")
_S_PER_MIN, _S_PER_H = 60.0, 3600.0
_MB, _GB = 1e6, 1e9
_CENT = 0.01


def print_forecast(decided: Decided, expected: Forecast, wish: Wish, seconds: SecondsExpected | None = None) -> None:
    """Prints all of it."""
    click.echo(printable(f"Plan for {wish.uri} with {wish.recipe.endpoint_id} {wish.recipe.arguments or ''}".rstrip()))
    for line in (
        *_decisions(decided),
        *_audio(expected),
        *_cost(expected, wish),
        *([seconds.line] if seconds else []),
        *_s3(expected),
        *_time(expected),
    ):
        click.echo(line)


def _decisions(decided: Decided) -> Iterator[str]:
    jobs = [(sizes.objects, f"{name}: {_FOUND_AS.get(name, name)}") for name, sizes in sorted(decided.jobs_as.items())]
    skips = [(number, f"{reason}: {_SKIPPED.get(reason, reason)}") for reason, number in sorted(decided.skips.items())]
    width = max(len(f"{number:,}") for number, _ in (*jobs, *skips))
    for number, why in jobs or [(0, "nothing")]:
        yield f"  transcribe  {number:>{width},}  {why}"
    for number, why in skips:
        yield f"  skip        {number:>{width},}  {why}"


def _audio(expected: Forecast) -> Iterator[str]:
    total = expected.total
    if total.jobs:
        yield f"Audio: {_time_span(total.audio_s)} in {_size(total.size_bytes)}: {expected.audio_basis}"


def _cost(expected: Forecast, wish: Wish) -> Iterator[str]:
    total, again = expected.total, expected.again
    if not total.jobs:
        yield "Cost:  nothing to do, nothing to pay"
    elif total.cost_usd is None:
        yield (
            f"Cost:  unknown, {expected.cost_basis}. Ask fal: nightscribe models --refresh-prices. It lists none for "
            f'some models, whisper and wizper among them; set it under [prices."{wish.recipe.endpoint_id}"] '
            "usd_per_audio_hour once your bill tells it."
        )
    else:
        yield f"Cost:  {_cost_span(total.cost_usd)}: {expected.cost_basis}"
    if again.jobs:
        cost = f" for {_cost_span(again.cost_usd)}" if again.cost_usd else ""
        yield f"       of it paid for before: {again.jobs:,} objects, {_time_span(again.audio_s)}{cost}"


def _s3(expected: Forecast) -> Iterator[str]:
    counts = ((method, expected.requests[method]) for method in _METHODS)
    requests = ", ".join(f"{count:,} {method}" for method, count in counts if count)
    yield f"S3:    {requests}: {_usd(expected.requests_usd)}"
    if expected.total.jobs and expected.download_usd:
        yield f"       what fal downloads: {_usd(expected.download_usd)}"


def _time(expected: Forecast) -> Iterator[str]:
    time = expected.time
    if expected.total.jobs:
        requests = "one request at a time" if time.at_once == 1 else f"{time.at_once} requests at once"
        speed = f"{time.speed:.3g} times faster than listening"
        yield f"Time:  {_time_span(time.takes_s)} with {requests}, each {speed} ({time.basis})"


def _time_span(seconds: Interval) -> str:
    """In the unit that suits the likely one."""
    if seconds.likely < 2 * _S_PER_MIN:
        return _about(seconds, "s", 0)
    if seconds.likely < 2 * _S_PER_H:
        return _about(seconds.times(1 / _S_PER_MIN), "min", 0)
    return _about(seconds.times(1 / _S_PER_H), "h", 1)


def _cost_span(usd: Interval) -> str:
    """As a run tells its cost: a few recordings are below a cent."""
    return _about(usd, "USD", 2 if usd.likely >= 1 else 4)


def _about(figure: Interval, unit: str, digits: int) -> str:
    """`about 2.0 h (1.5 to 3.1)`; no bounds where they look the same."""
    low, likely, high = (f"{number:,.{digits}f}" for number in figure)
    return f"about {likely} {unit}" + ("" if low == high else f" ({low} to {high})")


def _usd(usd: float) -> str:
    if not usd:
        return "nothing"
    return f"about {usd:,.2f} USD" if usd >= _CENT else "less than 0.01 USD"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / _GB:,.1f} GB" if size_bytes >= _GB else f"{size_bytes / _MB:,.1f} MB"
