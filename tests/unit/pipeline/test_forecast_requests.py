"""The S3 requests that a plan announces are those that the run then makes: held against the code itself."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import builders
import pytest
from click.testing import CliRunner
from stages import FixedProbe, House

import emulator.archive
from pipeline.audio.base import RangeReader
from pipeline.audio.pyav import PyAvProbe
from pipeline.cancellation import CancellationToken
from pipeline.cli.archive_run import ArchiveRun
from pipeline.cli.plan import plan
from pipeline.cli.session import Session
from pipeline.cli.wishes import Wish
from pipeline.forecast import FAL_DOWNLOAD, PER_FORMAT, PER_JOB
from pipeline.forecast.requests import RunWork, requests_of_run
from pipeline.models import Format
from pipeline.plan import Mode
from pipeline.queue.memory import MemoryQueue
from pipeline.settings import load_settings
from pipeline.transcribe import Settled, perform, work

METHODS = {
    "list": "LIST",
    "head": "HEAD",
    "read": "GET",
    "read_range": "GET",
    "write": "PUT",
    "delete": "DELETE",
    "delete_many": "POST",
}
ENVIRONMENT = {
    "NIGHTSCRIBE_RUN_TICK_S": "0.001",
    "NIGHTSCRIBE_RUN_PART_ROWS": "2",
}


class Mp3Probe(FixedProbe):
    """Reads as often as an MP3 makes the real one do."""

    def probe(self, audio, reader):
        reader.read(0, 10)
        return super().probe(audio, reader)


@pytest.fixture
def house():
    made = House()
    made.probe = Mp3Probe()
    return made


class Workers(MemoryQueue):
    """Does each job as soon as it is sent."""

    def __init__(self, house):
        super().__init__()
        self.house = house

    def put(self, jobs):
        for job in jobs:
            tools = self.house.tools
            assert isinstance(perform(work(job, tools.rules), job, tools), Settled)


def asked_by(house, act):
    """What an act asks of the store, by HTTP method."""
    before = Counter(house.storage.calls)
    act()
    asked: Counter[str] = Counter()
    for name, count in (Counter(house.storage.calls) - before).items():
        asked[METHODS[name]] += count
    return asked


def session_of(house):
    session = Session(ENVIRONMENT)
    session.loaded = load_settings(ENVIRONMENT)
    session.storage = house.storage
    return session


def planned(house, *words):
    """What `nightscribe plan` announces."""
    outcome = CliRunner().invoke(plan, ["s3://podcasts/", *words, "--json"], obj=session_of(house))
    assert outcome.exit_code == 0, outcome.output + repr(outcome.exception)
    return json.loads(outcome.stdout)


def backfill(house, monkeypatch, mode, formats):
    session = session_of(house)
    parts = SimpleNamespace(runs=house.runs, queue=Workers(house), budget=house.budget, close=lambda: None)
    monkeypatch.setattr("pipeline.cli.archive_run.open_dispatcher", lambda _: parts)
    recipe = session.recipe({"model": None, "language": None, "task": None, "extra": {}})
    wish = Wish(builders.OUTPUT, recipe, builders.OUTPUT, formats=formats, mode=mode)
    for _ in ArchiveRun(session, wish, CancellationToken()).events():
        pass


@pytest.mark.parametrize("formats", [(), (Format.VTT, Format.SRT)])
def test_one_job_asks_what_is_announced_of_it(house, formats):
    job = house.job.model_copy(update={"formats": formats})

    asked = asked_by(house, lambda: house.work(job))

    expected = PER_JOB + Counter({method: count * len(formats) for method, count in PER_FORMAT.items()})
    assert asked == expected


class Reads(RangeReader):
    """A file on disk that counts how often it is read."""

    def __init__(self, path):
        self.body = path.read_bytes()
        self.count = 0

    @property
    def size_bytes(self):
        return len(self.body)

    def read(self, start, length):
        self.count += 1
        return self.body[start : start + length]


def test_the_preflight_reads_recordings_as_often_as_is_announced():
    files = sorted((Path(emulator.archive.__file__).parent / "clips").glob("*.mp3"))
    readers = [Reads(path) for path in files]

    for reader in readers:
        PyAvProbe(2_097_152).probe(builders.audio(), reader)

    assert readers
    assert {1 + reader.count for reader in readers} == {PER_JOB["GET"]}


@pytest.mark.parametrize(
    ("mode", "words", "formats"),
    [
        (Mode.INCREMENTAL, [], ()),
        (Mode.INCREMENTAL, ["--formats", "vtt,txt"], (Format.VTT, Format.TXT)),
        (Mode.FORCE, ["--force"], ()),
    ],
)
def test_runs_ask_what_is_announced_of_them(house, monkeypatch, mode, words, formats):
    """A first run; a night with something new; one with nothing; one with less. A manifest's part has two rows."""
    for new, gone in ((["a.mp3", "b.mp3", "c.mp3"], []), (["b2.mp3"], []), ([], []), ([], ["a.mp3", "c.mp3"])):
        for key in new:
            house.storage.put("podcasts", key, key.encode())
        for key in gone:
            house.storage.delete("podcasts", key)
        announced = planned(house, *words)

        asked = asked_by(house, lambda: backfill(house, monkeypatch, mode, formats))

        by_fal = {method: count * announced["jobs"] for method, count in FAL_DOWNLOAD.items()}
        assert asked + Counter(by_fal) == Counter(announced["s3"]["requests"])
        assert bool(announced["jobs"]) == bool(new or mode is Mode.FORCE)


def test_a_slow_run_keeps_its_rows_more_often():
    settings = builders.settings().run
    fast = RunWork(jobs=2000, formats=0, rows=2000, has_news=True, last_parts=0, takes_s=20.0)
    slow = RunWork(jobs=2000, formats=0, rows=2000, has_news=True, last_parts=0, takes_s=3600.0)
    crawling = RunWork(jobs=20, formats=0, rows=20, has_news=True, last_parts=0, takes_s=36000.0)

    assert [requests_of_run(work, settings)["POST"] for work in (fast, slow, crawling)] == [4, 121, 20]


def test_rows_that_a_list_of_keys_leaves_out_are_written_again(house, monkeypatch, tmp_path):
    for key in ("a.mp3", "b.mp3"):
        house.storage.put("podcasts", key, key.encode())
    backfill(house, monkeypatch, Mode.INCREMENTAL, ())
    house.storage.put("podcasts", "d.mp3", b"new")
    (tmp_path / "keys").write_text("d.mp3\n")

    requests = planned(house, "--keys", str(tmp_path / "keys"))["s3"]["requests"]

    assert "LIST" not in requests
    # The job, the store's conditions, open.json, a segment, two parts of four rows, manifest.json, report, latest.json.
    assert requests["PUT"] == 3 + 4 + 1 + 1 + 2 + 1 + 1 + 1
