"""What a transcription and S3 cost, by a known price, and how long audio of a given size is likely to be. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from pipeline.models import AudioObject, Cost, ManifestRow, Price, RememberedRow
from pipeline.settings import AudioSettings, S3Prices, Settings

_SECONDS_PER_HOUR = 3600.0
_FALLBACK_KBPS = 96.0  # an audio extension without an assumed rate of its own: speech in any lossy codec
_WRITES = ("PUT", "POST", "LIST")
_READS = ("GET", "HEAD")
_BYTES_PER_GB = 1e9
_LEAST_SHARE = 0.5  # fal's measure of a recording that is shorter than this share of it counts something else


def price_of(settings: Settings, endpoint_id: str | None, planned: Iterable[Price] = ()) -> Price | None:
    """The price that a run was planned with, else the one that is configured here; None when there is neither."""
    for price in planned:
        if price.endpoint_id == endpoint_id:
            return price
    configured = settings.prices.get(endpoint_id or "")
    if configured is None or endpoint_id is None:
        return None
    return Price(
        endpoint_id=endpoint_id,
        usd_per_audio_hour=configured.usd_per_audio_hour,
        usd_per_unit=configured.usd_per_billable_unit,
    )


def cost_of(price: Price | None, endpoint_id: str, audio_s: float | None, billable_units: float | None = None) -> Cost:
    """The cost of a request. Its `usd` is None, with the reason in `basis`, when it cannot be known.

    `billable_units` is what fal has measured (docs/fal.md section 4); without it, or without a price for it, the
    length of the audio counts. So it does when the units are known to be audio and are far too few for this one.
    """
    if price is None:
        return Cost(usd=None, basis=f"no price is known for {endpoint_id}", billable_units=billable_units)
    if billable_units is not None and price.usd_per_unit is not None and _is_plausible(price, audio_s, billable_units):
        basis = f"fal's own measure, at {price.usd_per_unit:g} USD per billable unit"
        return Cost(usd=round(billable_units * price.usd_per_unit, 9), basis=basis, billable_units=billable_units)
    if price.usd_per_audio_hour is None or audio_s is None:
        why = price.shown if price.usd_per_audio_hour is None else "the duration of the audio is unknown"
        return Cost(usd=None, basis=why, billable_units=billable_units)
    if price.rounded_up_to_s:
        audio_s = math.ceil(audio_s / price.rounded_up_to_s) * price.rounded_up_to_s
    usd = audio_s / _SECONDS_PER_HOUR * price.usd_per_audio_hour
    return Cost(usd=round(usd, 9), basis=price.shown, billable_units=billable_units)


def _is_plausible(price: Price, audio_s: float | None, billable_units: float) -> bool:
    if price.audio_s_per_unit is None or audio_s is None:
        return True
    return billable_units * price.audio_s_per_unit >= audio_s * _LEAST_SHARE


def total_usd(price: Price | None, audio_s: float, recordings: int, *, rounding: float) -> float | None:
    """The cost of many recordings of so many seconds in all; None when it cannot be known.

    `rounding`: which share of a step each recording is rounded up by, where a request is billed in whole steps.
    """
    if price is None or price.usd_per_audio_hour is None:
        return None
    billed_s = audio_s + recordings * price.rounded_up_to_s * rounding
    return round(billed_s / _SECONDS_PER_HOUR * price.usd_per_audio_hour, 9)


def requests_usd(prices: S3Prices, requests: Mapping[str, int]) -> float:
    """What S3 requests cost, counted by method (LIST, GET, HEAD, PUT, POST, DELETE), in USD."""
    writes = sum(requests.get(method, 0) for method in _WRITES)
    reads = sum(requests.get(method, 0) for method in _READS)
    return (writes * prices.usd_per_1000_writes + reads * prices.usd_per_1000_reads) / 1000


def download_usd(prices: S3Prices, size_bytes: int) -> float:
    """What it costs that somebody outside downloads so many bytes, in USD."""
    return size_bytes / _BYTES_PER_GB * prices.usd_per_gb_out


def assumed_duration_s(settings: AudioSettings, audio: AudioObject | ManifestRow | RememberedRow) -> float:
    """The length of audio nobody has opened yet, from its size and the usual bit rate of its format."""
    return audio.size_bytes * assumed_s_per_byte(settings, extension_of(audio.key))


def assumed_s_per_byte(settings: AudioSettings, extension: str) -> float:
    """Seconds of audio per byte, by the usual bit rate of a format."""
    return 8 / (settings.assumed_kbps.get(extension, _FALLBACK_KBPS) * 1000)


def extension_of(key: str) -> str:
    """What stands behind the last dot of a key, in lower case."""
    return key.rpartition(".")[2].lower()
