"""Every metric that a dashboard or a rule names is in a real scrape of a night, with its labels.

A run is worked on by a real worker, watched by Flower and the exporter, and scraped by the real Prometheus.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from archives import PATIENCE_S, Archive
from prometheus import DASHBOARDS, Prometheus, alerts

from emulator.stack.ports import free_ports
from pipeline.runs.base import StopOrder
from pipeline.settings import load_settings
from pipeline.wiring.redis import make_client, make_runs

pytestmark = [pytest.mark.e2e]

_FILLED_IN = {"$archive": ".*", "$worker": ".*", "$__rate_interval": "1m"}


def _expressions() -> dict[str, str]:
    """All of them, by where they stand, with values for Grafana's variables."""
    found = {f"alert {name}": rule["expr"] for name, rule in alerts().items()}
    for path in DASHBOARDS:
        board = json.loads(path.read_text("utf-8"))
        for panel in board["panels"]:
            for target in panel.get("targets", ()):
                found[f"{path.stem}: {panel['title']} {target['refId']}"] = target["expr"]
        for variable in board["templating"]["list"]:
            selector = re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"])[1]
            found[f"{path.stem}: variable {variable['name']}"] = selector
    for name, value in _FILLED_IN.items():
        found = {place: expression.replace(name, value) for place, expression in found.items()}
    return found


EXPRESSIONS = _expressions()


class Night(NamedTuple):
    """A night that is over, and all that Prometheus has scraped of it."""

    prometheus: Prometheus
    names: set[str]
    labels: dict[str, set[str]]
    """By metric."""


@pytest.fixture
def night(servers, programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("night")
    (port,) = free_ports(1)
    with Archive(servers, folder) as archive:
        archive.environment["NIGHTSCRIBE_METRICS_MANIFEST_EVERY_S"] = "0.2"
        archive.environment["NIGHTSCRIBE_LIMITS_CONCURRENCY"] = "2"
        archive.environment["NIGHTSCRIBE_LIMITS_LEASE_S"] = "60"  # with a short one a busy machine sends a job twice
        last = max(archive.put_episodes(12))
        archive.put("show 000/page.mp3", b"<!DOCTYPE html><html>not found</html>" * 30)
        # One request is refused for now, which slows all down; another fails, and is tried again later. The last one
        # takes its time, so that a scrape sees the run with all others done: when it ends, it is gone from Redis.
        archive.fault(
            {"on": "process", "key": quote(last), "do": {"delay_s": 5.0}},
            {"on": "submit", "times": 1, "do": {"status": 429}},
            {"on": "process", "times": 1, "do": {"fail": {}}},
        )
        flower = archive.start_flower()
        archive.start("metrics", "--port", str(port))
        targets = {"nightscribe": f"127.0.0.1:{port}", "flower": flower.removeprefix("http://")}
        with Prometheus(programs, folder, targets) as prometheus:
            archive.start_worker(NIGHTSCRIBE_RETRY_BASE_S="0.2")
            prometheus.sees("flower_worker_online == 1")
            run = archive.start("backfill", archive.uri, "--max-cost", "1", "--max-audio-hours", "1")
            assert run.wait(PATIENCE_S) == 1, archive.log("command.log")
            # The next night finds nothing to do, and so it is complete.
            assert archive.run("backfill", archive.uri).returncode == 0
            prometheus.sees("nightscribe_complete_night_timestamp_seconds > 0")
            prometheus.sees('nightscribe_manifest_objects{state="done"} == 12')
            settings = load_settings(archive.environment).settings
            with make_client(settings) as client:
                make_runs(settings, client).stop(StopOrder("locked", "The account is locked."))
            prometheus.sees("nightscribe_breaker_open == 1")
            names = set(prometheus.ask("label/__name__/values"))
            series = prometheus.ask("series", **{"match[]": '{__name__=~".+"}'})
            labels = {name: {label for one in series if one["__name__"] == name for label in one} for name in names}
            yield Night(prometheus, names, labels)


def test_a_night_as_prometheus_has_seen_it(night):
    """One test, so that no other test process has the same night."""
    for is_so in (
        _prometheus_understands_every_expression_and_has_seen_all_that_it_names,
        _every_panel_has_shown_something_in_this_night,
        _the_search_would_notice_a_metric_or_a_label_that_no_scrape_has,
        _the_figures_of_the_night_are_right,
    ):
        is_so(night)


def _prometheus_understands_every_expression_and_has_seen_all_that_it_names(night):
    wrong = {place: said for place, expression in EXPRESSIONS.items() if (said := _wrong(night, expression))}

    assert len(EXPRESSIONS) > 70
    assert wrong == {}


def _every_panel_has_shown_something_in_this_night(night):
    now = time.time()
    whole = {"start": now - 900, "end": now, "step": 1}
    panels = {place: expression for place, expression in EXPRESSIONS.items() if not place.startswith("alert ")}

    empty = [place for place, expression in panels.items() if not _over(night, expression, whole)]
    assert empty == []


def _over(night: Night, expression: str, whole: dict[str, float]) -> list[Any]:
    return night.prometheus.ask("query_range", query=expression, **whole)["result"]


def _the_search_would_notice_a_metric_or_a_label_that_no_scrape_has(night):
    assert "nightscribe_moons" in _wrong(night, "sum(nightscribe_moons)")
    assert "planet" in _wrong(night, "sum by (planet) (nightscribe_workers)")
    assert "planet" in _wrong(night, 'flower_worker_online{planet="earth"}')
    assert _wrong(night, "vector(1)") == "it names no metric"


def _wrong(night: Night, expression: str) -> str:
    night.prometheus.ask("query", query=expression)  # fails when it cannot be read
    words = re.sub(r'"[^"]*"', "", expression)  # without the values of labels
    meant = " ".join([words, *re.findall(r'__name__=~"([^"]*)"', expression)])
    named = set(re.findall(r"\b(?:nightscribe|flower)_\w+", meant))
    if missing := named - night.names:
        return f"no scrape has {missing}"
    grouped = {name for group in re.findall(r"(?:by|on) \(([^)]*)\)", words) for name in re.findall(r"\w+", group)}
    asked = {name for group in re.findall(r"\{([^}]*)\}", words) for name in re.findall(r"(\w+)\s*(?:=|!)", group)}
    known = {label for name in named for label in night.labels[name]} | {"__name__"}
    if re.search(r"\b(up|ALERTS)\b", words):
        known |= {"job", "alertstate", "alertname"}
    elif not named:
        return "it names no metric"
    return f"no scrape has the labels {unknown}" if (unknown := (grouped | asked) - known) else ""


def _the_figures_of_the_night_are_right(night):
    def figure(query):
        (one,) = night.prometheus.ask("query", query=query)["result"]
        return float(one["value"][1])

    assert figure('sum(max_over_time(nightscribe_run_objects{state="done"}[5m]))') in {11, 12}
    assert figure('sum(max_over_time(nightscribe_run_problems{reason="not_audio"}[5m]))') == 1
    assert figure('sum(nightscribe_settled_jobs_total{state="done"})') == 12
    assert figure("max_over_time(nightscribe_permits_held[5m])") >= 1
    assert figure("nightscribe_slow_downs_total") >= 1
    assert figure("sum(nightscribe_put_offs_total)") >= 1
    assert figure('sum(flower_events_total{type="task-succeeded"})') == 12
    assert figure("max_over_time(nightscribe_run_spent_audio_seconds[5m])") > 0
