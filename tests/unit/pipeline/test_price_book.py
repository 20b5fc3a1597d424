"""fal's prices on this machine: kept with their date, told by `models --refresh-prices`, used by plans."""

from __future__ import annotations

from datetime import UTC, date, datetime

import builders
import pytest
from click.testing import CliRunner

from pipeline.cli.ceilings import ceiling_of
from pipeline.cli.models import models
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.models import ListedPrice, Price
from pipeline.speech.fal.price_book import PriceBook
from pipeline.wiring import speech

SCRIBE = "fal-ai/elevenlabs/speech-to-text"
WHISPER = "fal-ai/whisper"
TODAY = datetime.now(UTC).date()


def listed(endpoint_id=SCRIBE, usd=0.03, unit="minutes", on=TODAY):
    return ListedPrice(endpoint_id=endpoint_id, unit=unit, usd_per_unit=usd, listed_on=on)


class FakeFal:
    """Tells what it was given; asked of a transcriber."""

    def __init__(self, *told):
        self.told = told
        self.asked = []

    def prices(self, endpoint_ids):
        self.asked = endpoint_ids
        return [price for price in self.told if price.endpoint_id in endpoint_ids]

    def close(self):
        pass


@pytest.fixture
def place(tmp_path):
    return {"XDG_STATE_HOME": str(tmp_path / "state")}


@pytest.fixture
def refresh(monkeypatch, place):
    """Runs `nightscribe models --refresh-prices` against a fal with these prices."""

    def run(*told, words=(), **environment):
        monkeypatch.setattr(speech, "open_transcriber", lambda _settings, _environment: FakeFal(*told))
        return CliRunner().invoke(models, [*words, "--refresh-prices"], obj=Session(place | environment))

    return run


def test_prices_are_kept_beside_those_that_were_told_before(tmp_path):
    book = PriceBook(tmp_path / "deep" / "prices.json")
    assert book.read() == {}

    book.write([listed("a", on=date(2026, 1, 1)), listed("b")])
    book.write([listed("b", usd=1.0)])

    assert {name: price.usd_per_unit for name, price in book.read().items()} == {"a": 0.03, "b": 1.0}
    assert book.read()["a"].listed_on == date(2026, 1, 1)
    assert [path.name for path in book.path.parent.iterdir()] == ["prices.json"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"prices": 3}', b'{"schema_version": 2}', b"\xff"])
def test_a_file_that_cannot_be_read_is_said_and_never_taken_for_no_price(tmp_path, content):
    path = tmp_path / "prices.json"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match="--refresh-prices"):
        PriceBook(path).read()


def test_a_place_where_nothing_can_be_kept_says_so(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match=r"fal\.prices_file"):
        PriceBook(tmp_path / "file" / "prices.json").write([listed()])


@pytest.mark.parametrize(
    ("environment", "path"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/me"}, "/state/nightscribe/prices.json"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/me"}, "/home/me/.local/state/nightscribe/prices.json"),
        ({}, "/.local/state/nightscribe/prices.json"),
        ({"NIGHTSCRIBE_FAL_PRICES_FILE": "/etc/prices.json", "HOME": "/home/me"}, "/etc/prices.json"),
    ],
)
def test_the_file_lies_where_the_user_keeps_such_things(environment, path):
    assert str(speech.open_price_book(Session(environment).settings, environment).path) == path


def test_what_fal_tells_is_kept_and_counts_from_then_on(refresh, place):
    before = Session(place).price(builders.recipe(SCRIBE))

    outcome = refresh(listed())

    assert outcome.exit_code == 0, outcome.output
    assert "1.8 USD, by fal on" in outcome.stdout
    assert before is None
    assert Session(place).price(builders.recipe(SCRIBE)).usd_per_audio_hour == pytest.approx(1.8)


def test_a_model_that_fal_lists_no_price_for_is_named_with_what_to_do(refresh):
    outcome = refresh(listed(WHISPER, 0.0, "compute seconds"))

    (line,) = [line for line in outcome.stderr.splitlines() if line.startswith(f"{WHISPER}:")]
    assert "fal lists 0 USD per compute seconds" in line
    assert "Configure one" in line
    assert "--max-cost is refused" in line
    assert "fal-ai/wizper: not in fal's list" in outcome.stderr


def test_a_configured_price_is_named_where_it_still_counts(refresh):
    outcome = refresh(listed(WHISPER, 0.0, "compute seconds"), NIGHTSCRIBE_PROFILE="local")

    assert "costs count with configured price of 0.07 USD per audio hour" in outcome.stderr


def test_any_id_can_be_asked_for(refresh, place):
    outcome = refresh(listed("some/new-model", 0.5, "hours"), words=["some/new-model"])

    assert outcome.exit_code == 0, outcome.output
    assert Session(place).price(builders.recipe("some/new-model")).usd_per_audio_hour == pytest.approx(0.5)


def test_a_ceiling_takes_fals_price_as_well_as_a_configured_one():
    told = Price(endpoint_id=SCRIBE, usd_per_audio_hour=1.8, listed_on=TODAY)

    assert ceiling_of(told, builders.recipe(SCRIBE), {"max_cost": 5.0}).cost_usd == 5.0


@pytest.mark.parametrize("price", [None, Price(endpoint_id=WHISPER, usd_per_unit=0.0001)])
def test_a_ceiling_on_the_cost_is_refused_where_an_hour_has_no_price(price):
    with pytest.raises(ConfigurationError) as caught:
        ceiling_of(price, builders.recipe(), {"max_cost": 5.0})

    assert caught.value.reason == "no_price"
    assert "--refresh-prices" in caught.value.message
    assert ceiling_of(price, builders.recipe(), {"max_audio_hours": 1.0}).audio_s == 3600.0
