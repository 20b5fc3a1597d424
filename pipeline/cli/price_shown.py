"""What a model costs per hour of audio, and how that is known, for `nightscribe models`."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.models import ABILITIES_AS_OF, Abilities, ListedPrice, Price


@dataclass(frozen=True, slots=True)
class ShownPrice:
    """A price per hour of audio; None when nobody knows it. `source` says where it is from."""

    usd_per_hour: float | None
    source: str

    def __str__(self) -> str:
        return self.source if self.usd_per_hour is None else f"{self.usd_per_hour:g} USD, {self.source}"


def price_shown(price: Price | None, abilities: Abilities) -> ShownPrice:
    """What costs are reckoned with; where that is nothing, what fal's page said when it was last read.

    The latter is for people alone: no cost is reckoned and no ceiling kept with it.
    """
    if price is not None and price.usd_per_audio_hour is not None:
        source = f"by fal on {price.listed_on}" if price.listed_on else "configured"
        return ShownPrice(price.usd_per_audio_hour, source)
    if abilities.listed_usd_per_hour is not None:
        return ShownPrice(abilities.listed_usd_per_hour, f"on fal's page in {ABILITIES_AS_OF}")
    return ShownPrice(None, "unknown: configure it")


def listing_shown(listed: ListedPrice | None, price: Price | None) -> str:
    """What fal's list says of a model, and what follows for costs. `price`: what they are reckoned with from now on."""
    said = f"fal lists {listed.usd_per_unit:g} USD per {listed.unit}" if listed else "not in fal's list"
    if price is None or price.usd_per_audio_hour is None:
        return f"{said}: no price of an hour of audio. Configure one, or costs are unknown and --max-cost is refused"
    return f"{said}; costs count with {price.shown}" if listed and not price.listed_on else said
