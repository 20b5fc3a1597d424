"""A run and its report: written beside the manifest, told when it cannot be, and never a reason for a run to fail."""

from __future__ import annotations

from types import SimpleNamespace

import builders
import pytest
from stages import House

from pipeline import keys
from pipeline.cancellation import CancellationToken
from pipeline.cli.archive_run import ArchiveRun
from pipeline.cli.session import Session
from pipeline.cli.wishes import Wish
from pipeline.errors import ServiceUnavailableError
from pipeline.models import Latest
from pipeline.queue.memory import MemoryQueue
from pipeline.settings import load_settings
from pipeline.submit import Notice


@pytest.fixture
def night(monkeypatch):
    """Runs over an archive of one object without any bytes, for which no worker is needed."""
    house = House()
    house.storage.put("podcasts", "empty.mp3", b"")
    house.storage.delete("podcasts", "show/ep1.mp3")
    parts = SimpleNamespace(runs=house.runs, queue=MemoryQueue(), budget=house.budget, close=lambda: None)
    monkeypatch.setattr("pipeline.cli.archive_run.open_dispatcher", lambda _: parts)

    def run():
        session = Session({})
        session.loaded = load_settings({})
        session.storage = house.storage
        recipe = session.recipe({"model": None, "language": None, "task": None, "extra": {}})
        done = ArchiveRun(session, Wish(builders.OUTPUT, recipe, builders.OUTPUT), CancellationToken())
        return done.outcome, [event.message for event in done.events() if isinstance(event, Notice)]

    return SimpleNamespace(run=run, storage=house.storage)


def test_a_run_leaves_its_report_and_one_without_news_leaves_none(night):
    first, said = night.run()

    key = keys.report_key(builders.OUTPUT, builders.OUTPUT, first.run_id)
    assert (first.report_uri, said) == (f"s3://podcasts/{key}", [])
    assert b"empty_object" in night.storage.read("podcasts", key).body

    second, said = night.run()

    assert (second.report_uri, said) == (None, [])
    assert second.manifest == first.manifest


def test_a_run_whose_report_cannot_be_written_is_done_and_says_so(night, monkeypatch):
    def away(*_):
        raise ServiceUnavailableError("s3.example:443 did not answer.")

    monkeypatch.setattr("pipeline.cli.run_report.write", away)

    outcome, said = night.run()

    assert outcome.report_uri is None
    assert [
        text for text in said if f"The report of run {outcome.run_id} was not written: s3.example:443" in text
    ] == said
    assert len(said) == 1
    stored = night.storage.read("podcasts", keys.latest_key(builders.OUTPUT, builders.OUTPUT))
    assert Latest.model_validate_json(stored.body).run_id == outcome.run_id
    assert night.storage.read("podcasts", keys.open_run_key(builders.OUTPUT, builders.OUTPUT)) is None
