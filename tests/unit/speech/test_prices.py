"""fal's price list: which of its units are audio, which price of two counts, and how the list is read."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import parse_qs

import builders
import pytest

from pipeline.errors import AccountError, ConfigurationError, ServiceUnavailableError, ThrottledError
from pipeline.models import ListedPrice
from pipeline.speech.fal.prices import audio_s_per_unit, price_for

TODAY = date(2026, 11, 23)
SCRIBE = "fal-ai/elevenlabs/speech-to-text/scribe-v2"
PRICED = builders.settings(NIGHTSCRIBE_PROFILE="local")  # has prices for whisper and wizper


def listed(unit="minutes", usd=0.008, endpoint_id=SCRIBE, *, days_ago=0):
    return ListedPrice(endpoint_id=endpoint_id, unit=unit, usd_per_unit=usd, listed_on=TODAY - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("unit", "audio_s"),
    [
        ("minutes", 60),
        ("minute", 60),
        ("Audio Minutes", 60),
        ("seconds", 1),
        ("second", 1),
        ("per second of audio", 1),
        ("input seconds", 1),
        ("hour", 3600),
        ("hours of input audio", 3600),
        ("compute seconds", None),
        ("compute second", None),
        ("GPU seconds", None),
        ("1000 characters", None),
        ("tokens", None),
        ("output seconds", None),
        ("", None),
        ("units", None),
    ],
)
def test_only_lengths_of_audio_make_a_price_of_an_hour(unit, audio_s):
    assert audio_s_per_unit(unit) == audio_s


def test_fals_own_price_counts_with_its_date():
    price = price_for(builders.recipe(SCRIBE), listed(), builders.settings(), TODAY)

    assert price.usd_per_audio_hour == pytest.approx(0.48)
    assert (price.usd_per_unit, price.audio_s_per_unit) == (0.008, 60)
    assert price.shown == "fal's price of 2026-11-23, 0.48 USD per audio hour"


def test_key_terms_cost_a_third_more_where_fal_says_so():
    with_terms = builders.recipe(SCRIBE, keyterms=["Nightscribe"])

    with_none = builders.recipe(SCRIBE, keyterms=[])

    assert price_for(with_terms, listed(), builders.settings(), TODAY).usd_per_audio_hour == pytest.approx(0.624)
    assert price_for(with_none, listed(), builders.settings(), TODAY).usd_per_audio_hour == pytest.approx(0.48)


def test_xai_bills_whole_minutes():
    xai = "xai/speech-to-text/v1"
    price = price_for(builders.recipe(xai), listed(usd=0.001667, endpoint_id=xai), builders.settings(), TODAY)

    assert price.rounded_up_to_s == 60
    assert "whole 60 s" in price.shown


@pytest.mark.parametrize(
    ("unit", "usd"), [("compute seconds", 0.0), ("compute seconds", 0.0001), ("minutes", 0.0), ("units", 0.0)]
)
def test_a_placeholder_or_a_price_of_computing_leaves_it_to_the_configured_one(unit, usd):
    whisper, told = builders.recipe(), listed(unit, usd, "fal-ai/whisper")

    assert price_for(whisper, told, PRICED, TODAY).shown == "configured price of 0.07 USD per audio hour"
    bare = price_for(whisper, told, builders.settings(), TODAY)
    assert (bare.usd_per_audio_hour if bare else None) is None


def test_what_fal_has_measured_in_compute_seconds_counts_by_fals_price_of_them():
    price = price_for(builders.recipe(), listed("compute seconds", 0.0001, "fal-ai/whisper"), PRICED, TODAY)

    assert (price.usd_per_unit, price.audio_s_per_unit) == (0.0001, None)


@pytest.mark.parametrize(("days", "usd"), [(0, 0.12), (30, 0.12), (31, 0.07)])
def test_a_price_that_fal_told_long_ago_gives_way_to_a_configured_one(days, usd):
    told = listed("minutes", 0.002, "fal-ai/whisper", days_ago=days)

    assert price_for(builders.recipe(), told, PRICED, TODAY).usd_per_audio_hour == pytest.approx(usd)


def test_a_price_that_fal_told_long_ago_is_better_than_none():
    """A ceiling must not lose its price because time has passed."""
    price = price_for(builders.recipe(SCRIBE), listed(days_ago=400), builders.settings(), TODAY)

    assert price.usd_per_audio_hour == pytest.approx(0.48)
    assert "2025-10-19" in price.shown


def row(endpoint_id, unit="minutes", price=0.008, currency="USD"):
    return {"endpoint_id": endpoint_id, "unit_price": price, "unit": unit, "currency": currency}


def test_the_list_is_asked_for_fifty_endpoints_at_once_and_read_page_by_page(transcriber, fal, reply):
    names = [f"fal-ai/model-{number}" for number in range(60)]
    pages = [
        {"prices": [row(names[0])], "next_cursor": "Mg", "has_more": True},
        {"prices": [row(names[1]), row("not/asked")], "next_cursor": None, "has_more": False},
        {"prices": [row(names[59], "seconds", 1)]},
    ]
    fal.play("prices", *(reply(200, page) for page in pages))

    told = transcriber.prices(names)

    assert [price.endpoint_id for price in told] == [names[0], names[1], names[59]]
    asked = [parse_qs(request.url.query.decode()) for request in fal.asked("prices")]
    assert [query["endpoint_id"][0].count(",") + 1 for query in asked] == [50, 50, 10]
    assert [query.get("cursor") for query in asked] == [None, ["Mg"], None]
    assert fal.asked("prices")[0].headers["authorization"] == "Key canary-id:canary-secret"


@pytest.mark.parametrize(
    "item",
    [
        row("fal-ai/whisper", currency="EUR"),
        row("fal-ai/whisper", price=None),
        row("fal-ai/whisper", price=-1),
        row("fal-ai/whisper", unit=None),
        row(None),
        "nonsense",
    ],
)
def test_what_is_no_price_in_dollars_is_as_if_it_were_not_listed(transcriber, fal, reply, item):
    fal.play("prices", reply(200, {"prices": [item]}))

    assert transcriber.prices(["fal-ai/whisper"]) == []


@pytest.mark.parametrize("status", [400, 404])
def test_an_endpoint_that_fal_does_not_know_spoils_the_answer_for_no_other(transcriber, fal, reply, status):
    known = reply(200, {"prices": [row("fal-ai/wizper")]})
    fal.play("prices", reply(status, {"error": {"message": "no such endpoint"}}), reply(status), known)

    told = transcriber.prices(["no/such", "fal-ai/wizper"])

    assert [price.endpoint_id for price in told] == ["fal-ai/wizper"]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, {"error": {"message": "bad key"}}, AccountError),
        (403, {"error": {"message": "no scope"}}, AccountError),
        (429, None, ThrottledError),
        (500, None, ServiceUnavailableError),
        (302, None, ConfigurationError),
        (200, "no JSON", ServiceUnavailableError),
        (200, {"pricing": []}, ServiceUnavailableError),
    ],
)
def test_a_list_that_does_not_tell_says_why(transcriber, fal, reply, status, body, kind):
    fal.play("prices", reply(status, body))

    with pytest.raises(kind) as caught:
        transcriber.prices(["fal-ai/whisper"])
    assert type(caught.value) is kind


def test_a_list_without_end_is_given_up(transcriber, fal, reply):
    fal.play("prices", reply(200, {"prices": [], "next_cursor": "again", "has_more": True}))

    with pytest.raises(ServiceUnavailableError, match="no end"):
        transcriber.prices(["fal-ai/whisper"])


def test_without_a_platform_nobody_is_asked(make, fal):
    with pytest.raises(ConfigurationError, match="platform_url"):
        make(platform_url="").prices(["fal-ai/whisper"])
    assert fal.requests == []
