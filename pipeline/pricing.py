"""What a transcription and S3 cost, by configured prices, and how long audio of a given size is likely to be. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.models import AudioObject, Cost, ManifestRow
from pipeline.settings import AudioSettings, S3Prices, Settings

_SECONDS_PER_HOUR = 3600.0
_FALLBACK_KBPS = 96.0  # an audio extension without an assumed rate of its own: speech in any lossy codec
_WRITES = ("PUT", "POST", "LIST")
_READS = ("GET", "HEAD")
_BYTES_PER_GB = 1e9


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


def requests_usd(prices: S3Prices, requests: Mapping[str, int]) -> float:
    """What S3 requests cost, counted by method (LIST, GET, HEAD, PUT, POST, DELETE), in USD."""
    writes = sum(requests.get(method, 0) for method in _WRITES)
    reads = sum(requests.get(method, 0) for method in _READS)
    return (writes * prices.usd_per_1000_writes + reads * prices.usd_per_1000_reads) / 1000


def download_usd(prices: S3Prices, size_bytes: int) -> float:
    """What it costs that somebody outside downloads so many bytes, in USD."""
    return size_bytes / _BYTES_PER_GB * prices.usd_per_gb_out


def assumed_duration_s(settings: AudioSettings, audio: AudioObject | ManifestRow) -> float:
    """The length of audio nobody has opened yet, from its size and the usual bit rate of its format."""
    return audio.size_bytes * assumed_s_per_byte(settings, extension_of(audio.key))


def assumed_s_per_byte(settings: AudioSettings, extension: str) -> float:
    """Seconds of audio per byte, by the usual bit rate of a format."""
    return 8 / (settings.assumed_kbps.get(extension, _FALLBACK_KBPS) * 1000)


def extension_of(key: str) -> str:
    """What stands behind the last dot of a key, in lower case."""
    return key.rpartition(".")[2].lower()
