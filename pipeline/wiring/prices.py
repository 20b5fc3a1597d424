"""fal's prices for those that plan: the file that keeps them, and what a recipe costs by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pipeline.models import Price, Recipe
from pipeline.settings import Settings
from pipeline.speech.fal.price_book import PriceBook
from pipeline.speech.fal.prices import price_for


def open_price_book(settings: Settings, environment: Mapping[str, str]) -> PriceBook:
    """The file of `fal.prices_file`, or its place in the state folder of this user."""
    if settings.fal.prices_file:
        return PriceBook(Path(settings.fal.prices_file).expanduser())
    state = environment.get("XDG_STATE_HOME", "")
    home = environment.get("HOME", "") or "/"
    folder = Path(state) if state.startswith("/") else Path(home) / ".local" / "state"
    return PriceBook(folder / "nightscribe" / "prices.json")


def price_of(recipe: Recipe, settings: Settings, environment: Mapping[str, str]) -> Price | None:
    """What the recipe costs, by fal's list or by the settings; None when neither tells."""
    listed = open_price_book(settings, environment).read().get(recipe.endpoint_id)
    return price_for(recipe, listed, settings, datetime.now(UTC).date())
