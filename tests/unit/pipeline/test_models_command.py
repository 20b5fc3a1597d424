"""`nightscribe models`: everything that is known of the models, for people and for programs."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pipeline.cli.models import models
from pipeline.cli.price_shown import price_shown
from pipeline.cli.session import Session
from pipeline.models import Abilities, Price
from pipeline.wiring.recipes import KNOWN_ABILITIES

XAI = "xai/speech-to-text/v1"


@pytest.fixture
def invoke(tmp_path):
    """Runs the command with settings from the environment, for a user with an empty home."""

    def run(*words, **environment):
        return CliRunner().invoke(models, words, obj=Session({"HOME": str(tmp_path), **environment}))

    return run


def test_the_table_has_a_row_and_the_limits_of_every_model(invoke):
    lines = invoke().stdout.splitlines()

    for name, abilities in KNOWN_ABILITIES.items():
        assert sum(line.split()[:1] == [name] for line in lines) == 2, "a row, and a head for its limits"
        assert all(f"  {note}" in lines for note in abilities.notes)


def test_one_model_is_shown_with_all_its_languages(invoke):
    shown = invoke(XAI).stdout

    assert " ".join(KNOWN_ABILITIES[XAI].languages) in shown
    assert "fal-ai" not in shown


def test_programs_get_json(invoke):
    told = json.loads(invoke("--json").stdout)

    assert list(told) == list(KNOWN_ABILITIES)
    assert told["fal-ai/whisper"]["price"] == {"usd_per_audio_hour": None, "source": "unknown: configure it"}
    assert told[XAI]["price"]["usd_per_audio_hour"] == 0.1
    assert len(told["fal-ai/wizper"]["languages"]) == 99
    assert list(json.loads(invoke(XAI, "--json").stdout)) == [XAI]


def test_a_configured_price_comes_before_the_one_on_fals_page(invoke, tmp_path):
    config = tmp_path / "own.toml"
    config.write_text(f'[prices."{XAI}"]\nusd_per_audio_hour = 0.2\n', "utf-8")

    told = json.loads(invoke(XAI, "--json", NIGHTSCRIBE_CONFIG=str(config)).stdout)

    assert told[XAI]["price"] == {"usd_per_audio_hour": 0.2, "source": "configured"}


@pytest.mark.parametrize(
    ("price", "listed", "shown"),
    [
        (None, None, "unknown: configure it"),
        (None, 0.48, "0.48 USD, on fal's page in 2026-11"),
        (Price(endpoint_id="x/y", usd_per_audio_hour=0.5), 0.48, "0.5 USD, configured"),
        (
            Price(endpoint_id="x/y", usd_per_audio_hour=0.5, listed_on="2026-11-23"),
            0.48,
            "0.5 USD, by fal on 2026-11-23",
        ),
        (Price(endpoint_id="x/y", usd_per_unit=0.1), None, "unknown: configure it"),
    ],
)
def test_a_price_is_shown_with_its_source(price, listed, shown):
    assert str(price_shown(price, Abilities(listed_usd_per_hour=listed))) == shown


def test_a_mistyped_model_is_refused_with_the_nearest(invoke):
    outcome = invoke("fal-ai/wisper")

    assert outcome.exit_code == 2
    assert "Did you mean fal-ai/whisper?" in outcome.output
