"""The stand-in for all workers, against the real queue and the real runs: what it hands in is what a worker would."""

from __future__ import annotations

import uuid
from contextlib import closing

import builders
import pytest
from bench.settler import Report, Settler

from pipeline.models import State
from pipeline.settings import load_settings
from pipeline.wiring.queue import open_queue
from pipeline.wiring.redis import make_client, make_runs

KEYS = ["shows/a.mp3", "odd 🎙 %+.mp3", "shows/c.mp3"]


@pytest.fixture
def environment(valkey):
    return {"REDIS_URL": valkey.url, "NIGHTSCRIBE_REDIS_KEY_PREFIX": f"{uuid.uuid4().hex[:8]}:"}


@pytest.fixture
def settings(environment):
    return load_settings(environment).settings


@pytest.fixture
def runs(settings):
    with closing(make_client(settings)) as client:
        yield make_runs(settings, client)


@pytest.fixture
def queue(settings):
    with closing(open_queue(settings)) as queue:
        yield queue


@pytest.fixture
def settler(environment):
    settler = Settler(environment)
    yield settler
    settler.client.close()


def test_every_job_is_settled_once_however_often_it_was_sent(runs, queue, settler):
    jobs = [builders.job(builders.audio(key), run_id=run_id) for run_id in ("run1", "run2") for key in KEYS]
    for run_id in ("run1", "run2"):
        runs.add(run_id, [job for job in jobs if job.run_id == run_id])
    queue.put(jobs)
    assert settler.queued() == 6

    assert settler.step() == 6
    queue.put(jobs)

    assert settler.step() == 0
    assert (queue.depth(), runs.outstanding("run1"), runs.outstanding("run2")) == (0, 0, 0)
    rows = runs.rows("run1", 0, 10)
    assert [(row.key, row.state, row.run_id) for row in rows] == [(key, State.DONE, "run1") for key in KEYS]
    assert [row.job_id for row in rows] == [job.job_id for job in jobs[:3]]
    assert len(runs.rows("run2", 0, 10)) == 3


def test_it_counts_as_a_worker(runs, settler):
    settler.show()

    assert [worker.name for worker in runs.workers()] == ["bench"]


def test_its_report_is_always_whole(tmp_path):
    report = Report(settled=3)
    report.write(tmp_path / "report.json")
    report.settled = 4
    report.write(tmp_path / "report.json")

    assert '"settled": 4' in (tmp_path / "report.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
