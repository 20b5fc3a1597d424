"""What a transcription costs, by configured prices, and how long audio of a given size is likely to be. Pure."""

from __future__ import annotations

from pipeline.models import AudioObject, Cost, ManifestRow
from pipeline.settings import AudioSettings, Settings

_SECONDS_PER_HOUR = 3600.0
_FALLBACK_KBPS = 96.0  # an audio extension without an assumed rate of its own: speech in any lossy codec


def cost_of(settings: Settings, endpoint_id: str, audio_s: float | None, billable_units: float | None = None) -> Cost:
    """The cost of a request. Its `usd` is None, with the reason in `basis`, when it cannot be known.

    `billable_units` is what fal has measured (docs/fal.md section 4); without it, or without a price for it, the
    length of the audio counts.
    """
    price = settings.prices.get(endpoint_id)
    if price is None:
        return Cost(usd=None, basis=f"no price is configured for {endpoint_id}", billable_units=billable_units)
    if billable_units is not None and price.usd_per_billable_unit is not None:
        usd = billable_units * price.usd_per_billable_unit
        basis = f"fal's own measure, at {price.usd_per_billable_unit:g} USD per billable unit"
        return Cost(usd=round(usd, 9), basis=basis, billable_units=billable_units)
    if audio_s is None:
        return Cost(usd=None, basis="the duration of the audio is unknown", billable_units=billable_units)
    usd = audio_s / _SECONDS_PER_HOUR * price.usd_per_audio_hour
    basis = f"configured price of {price.usd_per_audio_hour:g} USD per audio hour"
    return Cost(usd=round(usd, 9), basis=basis, billable_units=billable_units)


def assumed_duration_s(settings: AudioSettings, audio: AudioObject | ManifestRow) -> float:
    """The length of audio nobody has opened yet, from its size and the usual bit rate of its format."""
    extension = audio.key.rpartition(".")[2].lower()
    kbps = settings.assumed_kbps.get(extension, _FALLBACK_KBPS)
    return audio.size_bytes * 8 / (kbps * 1000)
