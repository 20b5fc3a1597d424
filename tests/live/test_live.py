"""`make live`, run against the emulator: it must find what the emulator does, and see where an account differs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from emulated_fal import KEY, emulators
from live import report
from live.asking import COSTS_AT_MOST_USD, Observed
from live.recording import Exchange

ROOT = Path(__file__).parents[2]
AT_MOST_USD = 0.05
NOT_AT_HAND = {"HOME": "/none", "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "tests")}
pytestmark = pytest.mark.integration


def live(*words, **environment):
    """The program, as `make live` starts it."""
    command = [sys.executable, "-m", "live", *words]
    return subprocess.run(
        command, env=NOT_AT_HAND | environment, cwd=ROOT, capture_output=True, text=True, check=False, input=""
    )


@pytest.fixture(scope="module")
def fal(tmp_path_factory):
    with emulators(tmp_path_factory.mktemp) as start:
        yield start("--engine", "scripted", "--service-s", "0.3")


@pytest.fixture(scope="module")
def ask(fal, tmp_path_factory):
    """Asks the emulator everything: the finished program, and its report."""

    def run(*rules):
        fal.http.post("/emulator/reset")
        fal.faults(*rules)
        hosts = {f"NIGHTSCRIBE_FAL_{name}_URL": fal.url for name in ("QUEUE", "PLATFORM", "REST")}
        jwks = {"NIGHTSCRIBE_FAL_JWKS_URL": f"{fal.url}/.well-known/jwks.json", "NIGHTSCRIBE_FAL_BACKUP_URL": ""}
        file = tmp_path_factory.mktemp("live") / "report.json"
        done = live("--yes", "--report", str(file), "--patience-s", "20", FAL_KEY=KEY, **hosts, **jwks)
        return done, json.loads(file.read_text())

    return run


@pytest.fixture(scope="module")
def untroubled(ask, fal):
    """A run against the emulator as it is, its report, and the emulator's books."""
    return *ask(), fal.ledger()


def test_on_the_emulator_all_that_the_code_rests_on_is_so(untroubled):
    done, told, ledger = untroubled

    assert done.returncode == 0, done.stdout + done.stderr
    assert told["broken_off"] == {}
    assert {name for name, point in told["points"].items() if point["agrees"] is False} == set()
    assert ledger["submits_received"] == len(COSTS_AT_MOST_USD)
    assert told["cost_usd"] < AT_MOST_USD
    assert "exactly, after" in told["points"]["history-url"]["found"]


def test_nothing_that_it_says_or_writes_holds_a_secret(untroubled):
    done, told, _ = untroubled

    said = done.stdout + done.stderr + json.dumps(told)
    assert KEY not in said
    assert KEY.partition(":")[2] not in said
    assert "/files/" not in said, "the URL of the upload"


def test_it_says_before_it_asks_what_it_costs(untroubled):
    done, _, _ = untroubled

    assert done.stderr.index(" USD") < done.stderr.index("the key, prices")
    assert sum(COSTS_AT_MOST_USD.values()) < AT_MOST_USD


def test_where_an_account_differs_it_is_told_and_the_command_fails(ask):
    refused = {"history-key": "history", "price-list": "pricing", "deletion": "delete"}

    done, told = ask(*({"on": stage, "do": {"status": 403}} for stage in refused.values()))

    assert done.returncode == 1
    assert {told["points"][name]["agrees"] for name in refused} == {False}
    assert refused.keys() <= set(done.stderr.splitlines()[-1].removesuffix(".").replace(":", ",").split(", "))


def test_without_a_key_it_asks_nobody():
    done = live("--yes")

    assert done.returncode == 2
    assert "FAL_KEY" in done.stderr
    assert done.stdout == ""


def test_without_agreement_it_asks_nobody(tmp_path):
    done = live("--report", str(tmp_path / "report.json"), FAL_KEY=KEY)

    assert done.returncode == 2
    assert "Nothing was asked" in done.stderr
    assert not (tmp_path / "report.json").exists()


def test_a_url_that_the_history_shows_changed_is_a_trouble():
    """The look for lost requests rests on it."""
    row = {"json_input": {"audio_url": "https://cdn.test/speech.wav?plus=a%20b"}, "status_code": 200}
    kept = {"plain: history": [Exchange(200, {}, {"items": [row]})]}
    observed = Observed(kept, facts={"url": "https://cdn.test/speech.wav?plus=a+b"})

    found = report.findings(observed)

    assert found["history-url"].text.startswith("changed")
    assert "history-url" in {point.name for point in report.troubles(found)}


def test_the_page_lists_each_point_as_the_program_has_it():
    page = (ROOT / "docs" / "fal-live.md").read_text("utf-8")

    assert report.page_table() in page, "PYTHONPATH=tests python -m live --page"


def test_the_facts_about_fal_name_each_point_and_no_other():
    section = (ROOT / "docs" / "fal.md").read_text("utf-8").partition("\n## 17. ")[2]

    assert set(re.findall(r"`([a-z-]+)`", section)) == {point.name for point in report.POINTS}


def test_each_point_has_a_name_of_its_own_and_is_either_asked_or_says_why_not():
    names = [point.name for point in report.POINTS]

    assert len(names) == len(set(names))
    assert all((point.judge is None) == bool(point.why_not) for point in report.POINTS)
