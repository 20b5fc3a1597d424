"""Cost and likely length: what is configured, and what is said when it is not known."""

from __future__ import annotations

from datetime import date

import builders
import pytest

from pipeline import pricing
from pipeline.models import Price

PRICED = builders.settings(NIGHTSCRIBE_PROFILE="local")
WHISPER = "fal-ai/whisper"
SCRIBE = Price(
    endpoint_id="scribe",
    usd_per_audio_hour=1.8,
    usd_per_unit=0.03,
    audio_s_per_unit=60.0,
    listed_on=date(2026, 11, 23),
)


def cost_of(settings, endpoint_id, audio_s, billable_units=None):
    return pricing.cost_of(pricing.price_of(settings, endpoint_id), endpoint_id, audio_s, billable_units)


def test_cost_is_duration_times_the_configured_price():
    cost = cost_of(PRICED, WHISPER, 1800.0, billable_units=7.0)

    assert (cost.usd, cost.billable_units) == (pytest.approx(0.035), 7.0)
    assert cost.basis == "configured price of 0.07 USD per audio hour"


def test_what_fal_has_measured_counts_where_it_has_a_price(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text('[prices."fal-ai/whisper"]\nusd_per_audio_hour = 0.07\nusd_per_billable_unit = 0.001\n')
    measured = builders.settings(NIGHTSCRIBE_CONFIG=str(file))

    after = cost_of(measured, WHISPER, 1800.0, billable_units=7.0)
    before = cost_of(measured, WHISPER, 1800.0)

    assert (after.usd, before.usd) == (pytest.approx(0.007), pytest.approx(0.035))
    assert "fal's own measure" in after.basis


@pytest.mark.parametrize(
    ("endpoint_id", "audio_s", "said"),
    [("some/model", 60.0, "no price is known for some/model"), (WHISPER, None, "duration")],
)
def test_an_unknown_cost_says_why(endpoint_id, audio_s, said):
    cost = cost_of(PRICED, endpoint_id, audio_s)

    assert cost.usd is None
    assert said in cost.basis


def test_whisper_has_no_price_unless_one_is_configured():
    """fal publishes a placeholder; an invented number would be worse than none."""
    assert cost_of(builders.settings(), WHISPER, 60.0).usd is None


def test_the_price_that_a_run_was_planned_with_counts_before_the_settings_of_this_machine():
    planned = Price(endpoint_id=WHISPER, usd_per_audio_hour=0.5)

    assert pricing.price_of(PRICED, WHISPER, [SCRIBE, planned]) == planned
    assert pricing.price_of(PRICED, WHISPER, [SCRIBE]).usd_per_audio_hour == pytest.approx(0.07)


def test_what_is_billed_in_whole_minutes_is_expected_in_whole_minutes():
    rounded = SCRIBE.model_copy(update={"rounded_up_to_s": 60.0})

    assert pricing.cost_of(rounded, "scribe", 61.0).usd == pytest.approx(0.06)
    assert pricing.total_usd(rounded, 600.0, 10, rounding=0.5) == pytest.approx(0.45)
    assert pricing.total_usd(SCRIBE, 600.0, 10, rounding=0.5) == pytest.approx(0.3)


@pytest.mark.parametrize(("units", "usd"), [(30.0, 0.9), (29.5, 0.885), (31.0, 0.93), (0.5, 0.9), (0.0, 0.9)])
def test_a_measure_that_is_far_too_small_for_the_recording_counts_something_else(units, usd):
    """Half an hour is thirty minutes; a measure in hours must not open the ceiling."""
    assert pricing.cost_of(SCRIBE, "scribe", 1800.0, units).usd == pytest.approx(usd)


def test_where_an_hour_has_no_price_only_what_fal_has_measured_has_a_cost():
    compute = Price(endpoint_id="gpu", usd_per_unit=0.001)

    assert pricing.cost_of(compute, "gpu", 1800.0).usd is None
    assert "another unit" in pricing.cost_of(compute, "gpu", 1800.0).basis
    assert pricing.cost_of(compute, "gpu", 1800.0, 12.0).usd == pytest.approx(0.012)
    assert pricing.total_usd(compute, 1800.0, 1, rounding=0.5) is None


@pytest.mark.parametrize(
    ("key", "seconds"), [("a.mp3", 100.0), ("a.MP3", 100.0), ("a.wav", 6.803), ("a.unknown", 100.0)]
)
def test_the_likely_length_follows_from_size_and_format(key, seconds):
    audio = builders.audio(key, size_bytes=1_200_000)

    assert pricing.assumed_duration_s(PRICED.audio, audio) == pytest.approx(seconds, rel=1e-3)


def test_s3_requests_are_priced_by_class_and_deletions_are_free():
    requests = {"PUT": 1000, "POST": 1000, "LIST": 1000, "GET": 1000, "HEAD": 1000, "DELETE": 10**9}

    assert pricing.requests_usd(PRICED.s3_prices, requests) == pytest.approx(3 * 0.005 + 2 * 0.0004)
    assert pricing.requests_usd(PRICED.s3_prices, {}) == 0


def test_downloads_are_priced_by_the_gigabyte():
    assert pricing.download_usd(PRICED.s3_prices, 2_000_000_000) == pytest.approx(0.18)
