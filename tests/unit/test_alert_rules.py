"""The alert rules: read by the real promtool, tried both ways, and each with a place in the runbook."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
import yaml
from prometheus import CONFIGS, alerts

from pipeline.metrics.families import NAMES

ALERTS = alerts()
_TRIALS = ("alerts_test.yml", "days_test.yml")
_RUNBOOK = CONFIGS.parents[1] / "docs" / "operations.md"


def test_prometheus_accepts_configuration_and_rules(programs):
    for words in (("config", "prometheus.yml"), ("rules", "alerts.yml")):
        outcome = _promtool(programs, CONFIGS, "check", *words)

        assert outcome.returncode == 0, outcome.stderr


def test_each_alert_fires_when_it_should_and_only_then(programs):
    outcome = _promtool(programs, CONFIGS, "test", "rules", *_TRIALS)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("expression", ["vector(1) > 0", "vector(0) > 1"], ids=["always", "never"])
def test_the_trial_would_notice_an_alert_that_always_or_never_fires(programs, tmp_path, expression):
    rules = yaml.safe_load((CONFIGS / "alerts.yml").read_text("utf-8"))
    for rule in (rule for group in rules["groups"] for rule in group["rules"]):
        rule["expr"] = expression
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(rules), "utf-8")
    for trial in _TRIALS:
        shutil.copy(CONFIGS / trial, tmp_path)

    outcome = _promtool(programs, tmp_path, "test", "rules", *_TRIALS)

    said = outcome.stderr + outcome.stdout
    noticed = set(re.findall(r'got: {__name__="ALERTS", alertname="(\w+)"', said))
    missed = set(re.findall(r'exp: {__name__="ALERTS", alertname="(\w+)"', said))
    assert outcome.returncode == 1
    assert (noticed if expression == "vector(1) > 0" else missed) == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_says_how_bad_it_is_what_is_the_matter_and_where_to_read_on(name):
    rule = ALERTS[name]

    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"


@pytest.mark.parametrize("name", ALERTS)
def test_the_runbook_has_the_place_that_an_alert_names(name):
    headings = re.findall(r"(?m)^#+ (.+)$", _RUNBOOK.read_text("utf-8"))

    assert name.lower() in {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ALERTS)
def test_each_metric_of_a_rule_is_one_of_the_exporter(name):
    named = set(re.findall(r"nightscribe_\w+", ALERTS[name]["expr"]))

    assert named <= NAMES


def _promtool(programs, folder, *words):
    return subprocess.run(
        [programs / "promtool", *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
