"""A budget's numbers: whole micro-dollars and milliseconds, so that sums are exact, and what a refusal says. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from pipeline.errors import BudgetReachedError, ServiceUnavailableError
from pipeline.limits.base import Amount, BudgetUse, Ceiling

_MICRO = 1_000_000
_MILLI = 1_000
_S_PER_H = 3600


class Whole(NamedTuple):
    """An `Amount` in whole units."""

    micro_usd: int
    audio_ms: int

    def amount(self) -> Amount:
        """As an amount again."""
        return Amount(self.micro_usd / _MICRO, self.audio_ms / _MILLI)


class WholeCeiling(NamedTuple):
    """A `Ceiling` in whole units."""

    micro_usd: int | None
    audio_ms: int | None

    def ceiling(self) -> Ceiling:
        """As a ceiling again."""
        return Ceiling(
            None if self.micro_usd is None else self.micro_usd / _MICRO,
            None if self.audio_ms is None else self.audio_ms / _MILLI,
        )


def _dollars(micro_usd: int) -> str:
    return f"${micro_usd / _MICRO:,.4f}"


def _hours(audio_ms: int) -> str:
    return f"{audio_ms / _MILLI / _S_PER_H:,.3f} h of audio"


class _Limit(NamedTuple):
    """How a person sets one of the two limits, and reads its numbers."""

    option: str
    shown: Callable[[int], str]


_LIMITS = (_Limit("--max-cost", _dollars), _Limit("--max-audio-hours", _hours))


def rounded_up(amount: Amount) -> Whole:
    """What counts against a ceiling is never less than the amount."""
    return Whole(math.ceil(_decimal(amount.cost_usd) * _MICRO), math.ceil(_decimal(amount.audio_s) * _MILLI))


def rounded_down(ceiling: Ceiling) -> WholeCeiling:
    """What is allowed is never more than the ceiling."""
    return WholeCeiling(
        None if ceiling.cost_usd is None else math.floor(_decimal(ceiling.cost_usd) * _MICRO),
        None if ceiling.audio_s is None else math.floor(_decimal(ceiling.audio_s) * _MILLI),
    )


def budget_reached(run_id: str, use: BudgetUse, wanted: Amount) -> BudgetReachedError:
    """The refusal of a reservation: how far each limit of the budget is used, and which of them to raise."""
    needed = rounded_up(wanted)
    said, short = [], []
    for limit, most, spent, reserved, more in zip(
        _LIMITS, rounded_down(use.ceiling), rounded_up(use.spent), rounded_up(use.reserved), needed, strict=True
    ):
        if most is not None:
            said.append(f"{limit.shown(spent)} spent and {limit.shown(reserved)} reserved of {limit.shown(most)}")
            # Once it is reached everything is refused, also a request that would fit: then any of them may be the one.
            short.append((spent + reserved + more <= most, limit.option))
    options = [option for fits, option in short if not fits] or [option for _, option in short]
    return BudgetReachedError(
        f"The budget of run {run_id} is reached: {', '.join(said)}; the next request needs "
        f"{_dollars(needed.micro_usd)} for {_hours(needed.audio_ms)}. "
        f"Run the same command again with a higher {' and '.join(options)}, and it goes on from here."
    )


def budget_unknown(run_id: str) -> ServiceUnavailableError:
    """The refusal of a reservation in a run whose budget the server does not know."""
    return ServiceUnavailableError(
        f"Redis knows no budget of run {run_id}, so nothing may be submitted for it. Its dispatcher opens the budget "
        "again; if none is running, run the same command again.",
        "budget_unknown",
    )


def _decimal(number: float) -> Decimal:
    # As it is written: 0.07 is seven hundredths, although the nearest double is a little more.
    return Decimal(repr(float(number)))
