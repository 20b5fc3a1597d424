"""fal's price list: its pages, and what a unit of it means for an hour of audio (docs/fal.md sections 11 and 12). Pure.

A unit that is no length of audio gives no price of an hour, and a price of 0 is a placeholder: for such a model only a
configured price counts, and without one the cost is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from pydantic import JsonValue

from pipeline import pricing
from pipeline.models import ListedPrice, Price, Recipe
from pipeline.settings import Settings
from pipeline.speech.fal.wire import number

MAX_ENDPOINTS = 50
"""How many endpoints fal tells the prices of at once."""

_S_PER_HOUR = 3600.0
_SECONDS = {"second": 1.0, "sec": 1.0, "s": 1.0, "minute": 60.0, "min": 60.0, "hour": _S_PER_HOUR, "h": _S_PER_HOUR}
# "minutes", "audio seconds", "per second of audio": a unit of time, and at most a word that says of what.
_UNIT = re.compile(r"(?:per )?(?:audio |input |input audio )?(\w+?)s?(?: of (?:the )?(?:input )?audio)?")
_ROUNDED_UP_TO_S: Mapping[str, float] = {"xai/speech-to-text/v1": 60.0}
# Arguments that cost extra, and by how much, where fal says so (docs/fal.md section 14).
_SURCHARGES: Mapping[str, tuple[str, float]] = {"fal-ai/elevenlabs/speech-to-text/scribe-v2": ("keyterms", 1.3)}


def parse_prices(body: JsonValue, today: date) -> tuple[list[ListedPrice], str | None] | None:
    """The prices of a page and where the next one begins; None when its shape is not understood.

    What is not in dollars, or cannot be read, is left out: it is as if it were not listed.
    """
    listed = body.get("prices") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(listed, list):
        return None
    prices = [price for item in listed if isinstance(item, dict) and (price := _listed(item, today))]
    cursor = body.get("next_cursor") if body.get("has_more") is not False else None
    return prices, cursor if isinstance(cursor, str) and cursor else None


def audio_s_per_unit(unit: str) -> float | None:
    """How many seconds of audio a unit is; None for anything else, compute seconds above all."""
    match = _UNIT.fullmatch(" ".join(unit.lower().split()))
    return _SECONDS.get(match[1], _SECONDS.get(f"{match[1]}s")) if match else None


def price_for(recipe: Recipe, listed: ListedPrice | None, settings: Settings, today: date) -> Price | None:
    """The price of a recipe with its options: fal's while it is fresh, else the configured one, else fal's however old.

    None when neither says anything. Where fal's unit is no length of audio, the price of an hour is the configured one,
    and fal's own counts for what fal has measured.
    """
    configured = pricing.price_of(settings, recipe.endpoint_id)
    price = configured or Price(endpoint_id=recipe.endpoint_id)
    if listed is not None and listed.usd_per_unit > 0 and (configured is None or _is_fresh(listed, settings, today)):
        audio_s = audio_s_per_unit(listed.unit)
        told: dict[str, object] = {"usd_per_unit": listed.usd_per_unit, "audio_s_per_unit": audio_s}
        if audio_s is not None:
            told["usd_per_audio_hour"] = listed.usd_per_unit * _S_PER_HOUR / audio_s
            told["rounded_up_to_s"] = _ROUNDED_UP_TO_S.get(recipe.endpoint_id, 0.0)
            told["listed_on"] = listed.listed_on
        price = price.model_copy(update=told)
    if price.usd_per_audio_hour is not None:
        hourly = round(price.usd_per_audio_hour * _surcharge(recipe), 9)
        price = price.model_copy(update={"usd_per_audio_hour": hourly})
    return None if price.usd_per_audio_hour is None and price.usd_per_unit is None else price


def _is_fresh(listed: ListedPrice, settings: Settings, today: date) -> bool:
    return today - listed.listed_on <= timedelta(days=settings.fal.prices_fresh_days)


def _surcharge(recipe: Recipe) -> float:
    """By what factor the options of a recipe raise its price."""
    argument, factor = _SURCHARGES.get(recipe.endpoint_id, ("", 1.0))
    return factor if recipe.arguments.get(argument) else 1.0


def _listed(item: Mapping[str, JsonValue], today: date) -> ListedPrice | None:
    endpoint_id, unit, currency = (item.get(name) for name in ("endpoint_id", "unit", "currency"))
    usd = number(item.get("unit_price"))
    if not isinstance(endpoint_id, str) or not isinstance(unit, str) or usd is None or usd < 0:
        return None
    if currency not in {"USD", None}:
        return None
    return ListedPrice(endpoint_id=endpoint_id, unit=unit, usd_per_unit=usd, listed_on=today)
