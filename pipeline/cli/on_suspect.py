"""--on-suspect: what is done about a transcript that lint doubts (docs/lint.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from pipeline import pricing
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.forecast import Forecast
from pipeline.models import Manifest, Price, Recipe, State

_REPORT, _RETRY = "report", "retry:"


class _OnSuspect(click.ParamType[str]):
    """`report`, or `retry:` and the id of a model."""

    name = "report|retry:MODEL_ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """See `click.ParamType.convert`."""
        text = str(value).strip()
        if text != _REPORT and not (text.startswith(_RETRY) and len(text) > len(_RETRY)):
            self.fail(
                f"{value!r} is neither {_REPORT} nor {_RETRY}MODEL_ID, such as {_RETRY}fal-ai/wizper.", param, ctx
            )
        return text


on_suspect_option = click.option(
    "--on-suspect",
    type=_OnSuspect(),
    help="What is done about transcripts that read wrong: report tells so; retry:MODEL_ID has that model make them "
    "once more, paid like the first, and keeps what it says unless that is suspect too.",
)


def second_of(session: Session, options: Mapping[str, Any], first: Recipe) -> Recipe | None:
    """The recipe of second opinions: the same wishes of another model; None when suspects are only reported.

    Raises `ConfigurationError` for a model that cannot do what the first is asked for, or is the first.
    """
    what: str = options.get("on_suspect") or session.settings.lint.on_suspect
    if what == _REPORT:
        return None
    model = what.removeprefix(_RETRY)
    if model == first.endpoint_id:
        raise ConfigurationError(
            f"A second opinion by {model} would be one by the same model: it says the same again, and is paid again. "
            f"Name another one in --on-suspect {_RETRY}MODEL_ID (nightscribe models lists them).",
            "same_model",
        )
    try:
        # --arg belongs to the first model: what it means to another one nobody knows.
        return session.recipe({**options, "model": model, "extra": {}})
    except ConfigurationError as error:
        raise ConfigurationError(f"--on-suspect {what}: {error.message} Nothing was begun.", error.reason) from error


@dataclass(frozen=True, slots=True)
class SecondsExpected:
    """What second opinions may come to, by how many transcripts of the last manifest are suspect."""

    endpoint_id: str
    jobs: float | None
    """None without a manifest that tells."""
    cost_usd: float | None

    @property
    def line(self) -> str:
        """For people."""
        if self.jobs is None:
            return (
                f"       suspect transcripts are made once more with {self.endpoint_id}; no manifest tells how many are"
            )
        cost = "" if self.cost_usd is None else f", for about {self.cost_usd:.4f} USD more"
        return (
            f"       suspect transcripts are made once more with {self.endpoint_id}: about {self.jobs:.0f}, by the "
            f"last manifest's share{cost}"
        )


def seconds_expected(second: Recipe, price: Price | None, expected: Forecast, last: Manifest | None) -> SecondsExpected:
    """What to expect of them."""
    done = last.totals.by_state.get(State.DONE.value, 0) if last else 0
    if last is None or not done:
        return SecondsExpected(second.endpoint_id, None, None)
    share = last.totals.suspect / done
    jobs, audio_s = share * expected.total.jobs, share * expected.total.audio_s.likely
    cost_usd = pricing.total_usd(price, audio_s, round(jobs), rounding=0.5)
    return SecondsExpected(second.endpoint_id, jobs, cost_usd)
