"""Each alert fires in the real Prometheus when its condition is made true on real servers, and not before.

The rules are those of configs/prometheus/alerts.yml without their waiting times. What workers and dispatchers would
tell is written by the classes by which they tell it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import builders
import pytest
from archives import Archive, end
from prometheus import Prometheus, alerts

from emulator.stack.ports import free_ports
from pipeline import keys
from pipeline.limits.base import Amount, Ceiling
from pipeline.meters import SETTLED, SLOW_DOWNS, TOTAL
from pipeline.models import Latest, Manifest, Place, RecipeStamp, Totals
from pipeline.runs.base import StopOrder, WorkerSummary
from pipeline.settings import load_settings
from pipeline.wiring.queue import open_queue
from pipeline.wiring.redis import make_budget, make_client, make_meter_book, make_runs

pytestmark = [pytest.mark.e2e]

_LONG_AGO = datetime.now(UTC) - timedelta(hours=27)


@dataclass
class Watch:
    """An archive whose exporter Prometheus scrapes, what writes its state, and the alerts that have fired so far."""

    archive: Archive
    prometheus: Prometheus
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.place = Place(bucket=self.archive.bucket)
        self.settings = load_settings(self.archive.environment).settings
        self.client = make_client(self.settings)
        self.runs = make_runs(self.settings, self.client)

    def fires(self, name: str) -> None:
        self.seen[name] = self.prometheus.fires(name)

    def is_quiet(self, *names: str) -> None:
        assert not set(names) & set(self.prometheus.firing())


@pytest.fixture
def watch(guarded, programs, tmp_path):
    """Of Flower there is only an address where nobody listens."""
    guarded.environment |= {
        "NIGHTSCRIBE_METRICS_MANIFEST_EVERY_S": "0.2",
        "NIGHTSCRIBE_LIMITS_LEASE_S": "600",  # a worker that is shown once stays
    }
    port, nobody = free_ports(2)
    guarded.start("metrics", "--port", str(port))
    targets = {"nightscribe": f"127.0.0.1:{port}", "flower": f"127.0.0.1:{nobody}"}
    with Prometheus(programs, tmp_path, targets) as prometheus:
        prometheus.sees("nightscribe_queue_jobs")
        prometheus.falls_silent("ExporterDown")  # which was true until it had started
        made = Watch(guarded, prometheus)
        yield made
        made.client.close()


def test_every_alert_fires_when_its_condition_is_true_and_not_before(watch):
    watch.fires("FlowerDown")
    assert set(watch.prometheus.firing()) == {"FlowerDown"}
    for story in (_work, _a_run, _what_fal_says, _manifests, _the_end_of_the_watchers):
        story(watch)

    seen = watch.seen
    assert set(seen) == set(alerts())
    for alert in seen.values():
        assert "<" not in "".join(alert["annotations"].values())  # as in <error ...> or <no value>
    assert seen["BreakerOpen"]["annotations"]["summary"] == "Nothing is submitted any more: locked"
    assert watch.place.uri in seen["NightNotComplete"]["annotations"]["summary"]
    assert seen["BudgetNearlySpent"]["annotations"]["summary"].endswith("has used 91% of its ceiling")


def _work(watch):
    """Jobs wait, and there is no worker; then one that finishes nothing; then it is stuck."""
    queue = open_queue(watch.settings)
    queue.put([builders.job()])
    queue.close()
    watch.fires("NoWorker")
    watch.is_quiet("NothingFinished")
    watch.runs.show_worker(WorkerSummary("w1@here", slots=8, busy=0))
    watch.fires("NothingFinished")
    watch.prometheus.falls_silent("NoWorker")
    watch.is_quiet("WorkerStuck")
    watch.runs.show_worker(WorkerSummary("w1@here", slots=8, busy=0, is_stuck=True))
    watch.fires("WorkerStuck")


def _a_run(watch):
    """It has uncertain objects, and its budget comes to nine tenths."""
    uri = watch.place.uri
    ticket = watch.runs.open("a", "recipe", new_run_id="run1", archive_uri=uri, endpoint_id="fal-ai/whisper")
    budget = make_budget(watch.settings, watch.client)
    budget.open("run1", Ceiling(cost_usd=10.0), spent=Amount(cost_usd=8.0), reserved={"job": Amount(cost_usd=0.5)})
    told = {"archive": watch.place, "output": watch.place, "by_state": {"done": 3, "uncertain": 2}}
    watch.is_quiet("UncertainObjects")
    watch.runs.show_progress(ticket, builders.progress("run1", **told))
    watch.fires("UncertainObjects")
    watch.prometheus.sees("nightscribe_run_spent_usd == 8")
    watch.is_quiet("BudgetNearlySpent")
    budget.reserve("run1", "another", Amount(cost_usd=0.6))
    watch.fires("BudgetNearlySpent")


def _what_fal_says(watch):
    """It slows us down, and much fails; then the account is locked."""
    watch.is_quiet("FalSlowsUsDown", "ManyFailures")
    book = make_meter_book(watch.settings, watch.client)
    for count in (1, 100):  # what counts is how counters grow from one scrape to the next
        book.add({(SLOW_DOWNS.name, TOTAL): count, (SETTLED.name, "m", "failed", "not_audio", TOTAL): count})
        watch.prometheus.sees(f"{SLOW_DOWNS.name} >= {count}")
    watch.fires("FalSlowsUsDown")
    watch.fires("ManyFailures")
    watch.prometheus.falls_silent("NothingFinished")
    watch.is_quiet("BreakerOpen")
    watch.runs.stop(StopOrder("locked", "The account is locked."))
    watch.fires("BreakerOpen")


def _manifests(watch):
    """The last one is of a night that left something; then of one that was complete, long ago; then it is none."""
    watch.is_quiet("NightNeverComplete", "NightNotComplete")
    _put_manifest(watch.archive, watch.place, pending=1)
    watch.fires("NightNeverComplete")
    _put_manifest(watch.archive, watch.place, pending=0)
    watch.fires("NightNotComplete")
    watch.prometheus.falls_silent("NightNeverComplete")
    watch.is_quiet("ManifestsUnreadable")
    watch.archive.put(keys.latest_key(watch.place, watch.place), b"{")
    watch.fires("ManifestsUnreadable")


def _the_end_of_the_watchers(watch):
    """Redis lets the exporter in no more; then it is gone itself."""
    watch.is_quiet("RedisDown", "ExporterDown")
    watch.archive.redis.acl_deluser(watch.archive.bucket)
    watch.fires("RedisDown")
    watch.is_quiet("ExporterDown")
    end(watch.archive.processes[0])
    watch.fires("ExporterDown")


def _put_manifest(archive: Archive, place: Place, *, pending: int) -> None:
    """As a run writes it that ended 27 hours ago; without rows."""
    folder = keys.run_folder(place, place, f"run-{1 - pending}")
    totals = Totals(objects=2, by_state={"done": 2 - pending, "pending": pending})
    manifest = Manifest(
        run_id=f"run-{1 - pending}",
        archive=place,
        output=place,
        recipe=RecipeStamp.of(builders.recipe()),
        started_at=_LONG_AGO,
        finished_at=_LONG_AGO,
        complete=not pending,
        totals=totals,
        this_run=totals,
        parts=(),
        software="nightscribe",
    )
    archive.put(f"{folder}manifest.json", manifest.model_dump_json().encode())
    latest = Latest(run_id=manifest.run_id, manifest_key=f"{folder}manifest.json", finished_at=_LONG_AGO)
    archive.put(keys.latest_key(place, place), json.dumps(latest.model_dump(mode="json")).encode())
