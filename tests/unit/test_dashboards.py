"""Grafana's dashboards as files: whole, readable, and of metrics that there are.

That the expressions are right Prometheus itself says, in tests/e2e/test_scrape.py.
"""

from __future__ import annotations

import itertools
import json
import re

import pytest
import yaml
from prometheus import CONFIGS, DASHBOARDS, alerts

from pipeline.metrics.families import FAMILIES

BOARDS = {path.stem: json.loads(path.read_text("utf-8")) for path in DASHBOARDS}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
_KINDS = {"stat", "gauge", "bargauge", "timeseries", "state-timeline"}
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "gauge": ("",), "counter": ("",)}
_NAMES = {family.name + suffix for family in FAMILIES for suffix in _SUFFIXES[family.kind]}


def _source():
    text = (CONFIGS.parent / "grafana/provisioning/datasources/prometheus.yml").read_text("utf-8")
    (source,) = yaml.safe_load(text)["datasources"]
    return {"type": source["type"], "uid": source["uid"]}


@pytest.mark.parametrize("name", ["night", "fal", "workers"])
def test_a_dashboard_has_a_name_of_its_own_and_renews_itself(name):
    board = BOARDS[name]

    assert board["uid"] == f"nightscribe-{name}"
    assert board["title"].startswith("Nightscribe: ")
    assert board["description"].endswith(".")
    assert board["refresh"] == "30s"
    assert board["schemaVersion"] >= 39
    assert "id" not in board  # Grafana gives it; one from elsewhere would take another dashboard's place


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_ids_and_do_not_lie_over_each_other(name):
    panels = BOARDS[name]["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)
    assert all(at["x"] >= 0 and at["x"] + at["w"] <= 24 for at in (panel["gridPos"] for panel in panels))


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_says_in_words_what_it_shows_and_in_which_unit(panel):
    assert panel["type"] in _KINDS
    assert len(panel["description"]) > 10
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == _source()
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references) >= 1
    for step in panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])[:1]:
        assert step["value"] is None  # Grafana's word for: from the lowest on


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_asks_for_metrics_that_there_are_and_for_variables_of_its_dashboard(panel):
    (board,) = (board for board in BOARDS.values() if panel in board["panels"])
    variables = {variable["name"] for variable in board["templating"]["list"]}
    for target in panel["targets"]:
        assert set(re.findall(r"nightscribe_\w+", target["expr"])) <= _NAMES
        assert set(re.findall(r"\$(\w+)", target["expr"])) <= variables | {"__rate_interval"}


@pytest.mark.parametrize("name", BOARDS)
def test_the_page_about_dashboards_tells_of_every_panel(name):
    page = (CONFIGS.parents[1] / "docs" / "dashboards.md").read_text("utf-8")

    rows = {
        f"| {panel['title']} | {panel['description']} |" for panel in BOARDS[name]["panels"] if panel["type"] != "row"
    }
    assert rows <= set(page.splitlines())


def test_the_page_about_dashboards_tells_of_every_alert():
    page = (CONFIGS.parents[1] / "docs" / "dashboards.md").read_text("utf-8")

    for name, rule in alerts().items():
        cells = [rule["labels"]["severity"], rule.get("for", "at once"), rule["annotations"]["description"]]
        assert f"| [{name}](operations.md#{name.lower()}) | {' | '.join(cells)} |" in page


def test_no_dashboard_names_an_address():
    for path in DASHBOARDS:
        assert "http" not in path.read_text("utf-8")
