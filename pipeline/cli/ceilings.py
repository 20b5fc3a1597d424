"""--max-cost and --max-audio-hours: what a run may spend at most, and what is said when it has."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import click

from pipeline import pricing
from pipeline.cli.again import same_command
from pipeline.cli.outcome import Outcome
from pipeline.cli.shortfall import Shortfall
from pipeline.errors import ConfigurationError
from pipeline.limits.base import BudgetUse, Ceiling
from pipeline.models import Price, Recipe

_S_PER_H = 3600.0
_HEADROOM = 1.25  # estimates from sizes are this far off now and then
_DIGITS = 2  # of a suggested ceiling


class _Positive(click.FloatRange):
    """A number above zero, and a real one: click takes `nan` for in range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See `click.ParamType.convert`."""
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no amount.", param, ctx)
        return number


def ceiling_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--max-cost and --max-audio-hours."""
    above_zero = _Positive(min=0, min_open=True)
    for option in (
        click.option(
            "--max-audio-hours",
            type=above_zero,
            metavar="H",
            help="Submit at most H hours of audio in this run; needs no price. Otherwise as --max-cost.",
        ),
        click.option(
            "--max-cost",
            type=above_zero,
            metavar="USD",
            help="Spend at most this in this run, all its interruptions included. What a request may cost is "
            "reserved before it is sent; what does not fit is left, and the command ends with 3. The same command with "
            "a higher ceiling goes on. Needs a price: fal's (nightscribe models --refresh-prices) or a configured one.",
        ),
    ):
        command = option(command)
    return command


def ceiling_of(price: Price | None, recipe: Recipe, options: Mapping[str, Any]) -> Ceiling | None:
    """The ceiling that the options ask for. Raises `ConfigurationError` for a cost that cannot be known."""
    cost_usd, hours = options.get("max_cost"), options.get("max_audio_hours")
    if cost_usd is None and hours is None:
        return None
    if cost_usd is not None and (price is None or price.usd_per_audio_hour is None):
        raise ConfigurationError(
            f"--max-cost needs to know what an hour of audio costs with {recipe.endpoint_id}, and neither fal's price "
            "list nor the settings tell it. Ask fal with nightscribe models --refresh-prices; where fal lists no price "
            f'for audio, as for whisper and wizper, set usd_per_audio_hour under [prices."{recipe.endpoint_id}"] in a '
            "file that NIGHTSCRIBE_CONFIG names; or bound the run by --max-audio-hours. Nothing was begun.",
            "no_price",
        )
    return Ceiling(cost_usd, None if hours is None else hours * _S_PER_H)


def used(use: BudgetUse) -> str:
    """How far a budget is used, for people: `4.9 of 10 USD, 70.25 of 100 h`."""
    said = []
    if use.ceiling.cost_usd is not None:
        said.append(f"{_figure(use.spent.cost_usd)} of {_figure(use.ceiling.cost_usd)} USD")
    if use.ceiling.audio_s is not None:
        said.append(f"{_figure(use.spent.audio_s / _S_PER_H)} of {_figure(use.ceiling.audio_s / _S_PER_H)} h")
    return ", ".join(said) or "no ceiling"


def how_far(outcome: Outcome, price: Price | None) -> str:
    """How far a run came that has left something."""
    short = outcome.shortfall
    rest_usd = _rest_usd(short, price)
    rest = f"about {_figure(short.audio_s / _S_PER_H)} h" + (f" for {_figure(rest_usd)} USD" if rest_usd else "")
    seconds = ""
    if short.seconds_left:
        wait = "got no second opinion" if outcome.manifest else "wait for their second opinion"
        seconds = f" {short.seconds_left} suspect transcripts {wait}."
    return (
        f"{short.done} objects were transcribed in this run, {short.left} are left ({rest}, estimated from their "
        f"sizes).{seconds} Nothing is lost, and nothing is paid twice."
    )


def _rest_usd(short: Shortfall, price: Price | None) -> float:
    return pricing.total_usd(price, short.audio_s, short.left, rounding=0.5) or 0.0


def stopped(
    outcome: Outcome, use: BudgetUse | None, ceiling: Ceiling, price: Price | None, second: Price | None = None
) -> str:
    """What a run says that has reached its ceiling: how far it came, and how to go on.

    `second` is the price of second opinions, where they are asked for.
    """
    short = outcome.shortfall
    spent = f" {used(use)} spent." if use else ""
    said = f"The ceiling of run {outcome.run_id} is reached:{spent} {how_far(outcome, price)}"
    if outcome.manifest is not None:
        return f"{said} The next run goes on with them, under a ceiling of its own."
    rest_usd = _rest_usd(short, price)
    seconds_usd = pricing.total_usd(second, short.seconds_s, short.seconds_left, rounding=0.5) or 0.0
    raised: dict[str, str] = {}
    spent_usd = use.spent.cost_usd + use.reserved.cost_usd if use else 0.0
    spent_s = use.spent.audio_s + use.reserved.audio_s if use else 0.0
    if ceiling.cost_usd is not None:
        raised["--max-cost"] = _higher(ceiling.cost_usd, spent_usd + (rest_usd + seconds_usd) * _HEADROOM)
    if ceiling.audio_s is not None:
        wanted_s = spent_s + (short.audio_s + short.seconds_s) * _HEADROOM
        raised["--max-audio-hours"] = _higher(ceiling.audio_s / _S_PER_H, wanted_s / _S_PER_H)
    return f"{said} To go on: {same_command(raised)}"


def _figure(number: float) -> str:
    """To the cent from one on, to the millionth below: a few seconds of audio cost less than a hundredth of one."""
    return f"{number:.{2 if number >= 1 else 6}f}".rstrip("0").rstrip(".")


def _higher(ceiling: float, wanted: float) -> str:
    """A ceiling that is higher, and enough as far as one can tell; rounded up to two digits."""
    wanted = max(wanted, ceiling * _HEADROOM)
    step = 10.0 ** (math.floor(math.log10(wanted)) - _DIGITS + 1)
    return f"{math.ceil(wanted / step) * step:.12g}"
