"""What an endpoint costs: fal's own listing, and the price that a run was planned with."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from pipeline.models.archives import Record


class ListedPrice(Record):
    """An endpoint's price as fal's pricing API tells it (docs/fal.md section 11)."""

    endpoint_id: str
    unit: str
    """As fal names it: `minutes`, `compute seconds`, ..."""
    usd_per_unit: float = Field(ge=0)
    listed_on: date
    """When fal was asked, UTC."""


class Price(Record):
    """What a recipe costs, as its run was planned. Travels in the job, so that no worker needs a price of its own."""

    endpoint_id: str
    usd_per_audio_hour: float | None = Field(default=None, ge=0)
    """What a request is expected to cost, its options included; None where fal charges by something else and nothing
    is configured."""
    usd_per_unit: float | None = Field(default=None, ge=0)
    """Of a billable unit, which fal counts after the request."""
    audio_s_per_unit: float | None = Field(default=None, gt=0)
    """How much audio a unit is; None where it is something else, or not known."""
    rounded_up_to_s: float = Field(default=0.0, ge=0)
    """Each request is billed in whole steps of so much audio; 0: to the second or finer."""
    listed_on: date | None = None
    """When fal told the price of an hour; None: it is a configured one."""

    @property
    def shown(self) -> str:
        """The price of an hour with its source, for people."""
        if self.usd_per_audio_hour is None:
            return "fal charges by another unit than the length of the audio"
        hourly = f"{self.usd_per_audio_hour:g} USD per audio hour"
        steps = f", in whole {self.rounded_up_to_s:g} s per recording" if self.rounded_up_to_s else ""
        return (
            f"fal's price of {self.listed_on}, {hourly}{steps}" if self.listed_on else f"configured price of {hourly}"
        )
