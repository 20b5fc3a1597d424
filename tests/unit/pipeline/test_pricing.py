"""Cost and likely length: what is configured, and what is said when it is not known."""

from __future__ import annotations

import builders
import pytest

from pipeline import pricing

PRICED = builders.settings(NIGHTSCRIBE_PROFILE="local")


def test_cost_is_duration_times_the_configured_price():
    cost = pricing.cost_of(PRICED, "fal-ai/whisper", 1800.0, billable_units=7.0)

    assert (cost.usd, cost.billable_units) == (pytest.approx(0.035), 7.0)
    assert "0.07 USD per audio hour" in cost.basis


def test_what_fal_has_measured_counts_where_it_has_a_price(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text('[prices."fal-ai/whisper"]\nusd_per_audio_hour = 0.07\nusd_per_billable_unit = 0.001\n')
    measured = builders.settings(NIGHTSCRIBE_CONFIG=str(file))

    after = pricing.cost_of(measured, "fal-ai/whisper", 1800.0, billable_units=7.0)
    before = pricing.cost_of(measured, "fal-ai/whisper", 1800.0)

    assert (after.usd, before.usd) == (pytest.approx(0.007), pytest.approx(0.035))
    assert "fal's own measure" in after.basis


@pytest.mark.parametrize(
    ("endpoint_id", "audio_s", "said"),
    [("some/model", 60.0, "no price is configured for some/model"), ("fal-ai/whisper", None, "duration")],
)
def test_an_unknown_cost_says_why(endpoint_id, audio_s, said):
    cost = pricing.cost_of(PRICED, endpoint_id, audio_s)

    assert cost.usd is None
    assert said in cost.basis


def test_whisper_has_no_price_unless_one_is_configured():
    """fal publishes a placeholder; an invented number would be worse than none."""
    assert pricing.cost_of(builders.settings(), "fal-ai/whisper", 60.0).usd is None


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
