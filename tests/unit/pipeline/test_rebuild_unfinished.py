"""`nightscribe manifest rebuild` while a run is not finished."""

from __future__ import annotations

from types import SimpleNamespace

import builders
import pytest
from click.testing import CliRunner
from finished import FinishedArchive

from pipeline.cli.manifest import manifest as group
from pipeline.cli.session import Session
from pipeline.errors import RunActiveError, ServiceUnavailableError
from pipeline.models import UnfinishedRun
from pipeline.runs.memory import MemoryRuns, MemoryState
from pipeline.settings import load_settings
from pipeline.unfinished import OpenRunNote


@pytest.fixture
def archive():
    made = FinishedArchive()
    made.transcribed("a.mp3")
    made.finish()
    return made


def rebuild(archive):
    """Redis, where a test does not say otherwise, is away."""
    session = Session({"REDIS_URL": "redis://127.0.0.1:9/0"})
    session.loaded = load_settings(session.environment)
    session.storage = archive.storage
    return CliRunner().invoke(group, ["rebuild", archive.archive.uri], obj=session)


@pytest.fixture
def unfinished(archive, monkeypatch):
    """A run that has begun; `runs` is what Redis knows of it."""
    runs = MemoryRuns(MemoryState(), dispatcher_lease_s=15.0, worker_lease_s=30.0)
    run = UnfinishedRun(run_id="run2", recipe="h", started_at=builders.NOW)
    OpenRunNote(archive.storage, archive.output, archive.archive).write(run, None)
    closed = []
    live = SimpleNamespace(runs=runs, close=lambda: closed.append(True))
    monkeypatch.setattr("pipeline.cli.manifest.open_live", lambda _: live)
    yield runs
    assert closed == [True]


def open_in(runs):
    return runs.open("id", "h", new_run_id="run2", archive_uri="s3://podcasts/", endpoint_id="fal-ai/whisper")


def test_a_run_that_is_being_dispatched_is_left_alone(archive, unfinished):
    open_in(unfinished)
    before = [listed.key for listed in archive.storage.list("podcasts", "")]

    outcome = rebuild(archive)

    assert isinstance(outcome.exception, RunActiveError)
    assert outcome.exception.exit_code == 5
    assert "run2" in outcome.exception.message
    assert [listed.key for listed in archive.storage.list("podcasts", "")] == before


def test_a_run_that_nobody_dispatches_is_in_nobodys_way(archive, unfinished):
    unfinished.close(open_in(unfinished), finished=False)

    outcome = rebuild(archive)

    assert outcome.exit_code == 0
    assert outcome.stderr == "Run run2 is not finished; the next nightscribe backfill goes on with it.\n"
    assert outcome.stdout.startswith("Made anew: 1 objects, 1 done\n")
    assert archive.storage.head("podcasts", "_nightscribe/open.json") is not None


def test_with_redis_away_an_unfinished_run_may_be_dispatched(archive):
    run = UnfinishedRun(run_id="run2", recipe="h", started_at=builders.NOW)
    OpenRunNote(archive.storage, archive.output, archive.archive).write(run, None)

    outcome = rebuild(archive)

    assert isinstance(outcome.exception, ServiceUnavailableError)
    assert "Run run2 is not finished, and only Redis tells" in outcome.exception.message
