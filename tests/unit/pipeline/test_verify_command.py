"""What `nightscribe verify` prints, and how it ends; S3 is in memory, and Redis is away."""

from __future__ import annotations

import json

import builders
import pytest
from click.testing import CliRunner
from finished import FinishedArchive

from pipeline import keys
from pipeline.cli.session import Session
from pipeline.cli.verify import verify
from pipeline.errors import ConfigurationError
from pipeline.models import Place, UnfinishedRun
from pipeline.settings import load_settings
from pipeline.unfinished import OpenRunNote


@pytest.fixture
def archive():
    made = FinishedArchive()
    made.transcribed("show/ep1.mp3")
    made.transcribed("show/evil\x1b[31m\n.mp3")
    made.finish()
    return made


def run(archive, *words, uri="s3://podcasts/", **env):
    session = Session({"REDIS_URL": "redis://127.0.0.1:9/0"} | env)
    session.loaded = load_settings(session.environment)
    session.storage = archive.storage
    return CliRunner().invoke(verify, [uri, *words], obj=session)


def damage(archive):
    archive.storage.delete("podcasts", f"show/evil\x1b[31m\n.mp3{keys.SIDECAR_SUFFIX}")
    archive.audio("show/ep2.mp3")


@pytest.mark.parametrize("deep", [[], ["--deep"]])
def test_nothing_differs(archive, deep):
    outcome = run(archive, *deep)

    assert (outcome.exit_code, outcome.stderr) == (0, "")
    read = " (2 read)" if deep else ""
    assert outcome.stdout == (
        f"Compared 2 rows of the manifest of run run1, with 2 audio objects and 2 sidecars{read}.\nNothing differs.\n"
    )


def test_every_difference_is_one_line_with_its_key_escaped(archive):
    damage(archive)

    outcome = run(archive)

    assert outcome.exit_code == 1
    first, second, _, last = outcome.stdout.splitlines()
    assert first.startswith("object_without_row  'show/ep2.mp3'  ")
    assert second.startswith(r"sidecar_missing     'show/evil\x1b[31m\n.mp3.transcript.json'  ")
    assert last == "Differences: 1 object_without_row, 1 sidecar_missing"


def test_json_has_a_line_per_difference_with_the_key_as_it_is_and_the_summary_last(archive):
    damage(archive)

    outcome = run(archive, "--json")

    *told, last = [json.loads(line) for line in outcome.stdout.splitlines()]
    assert outcome.exit_code == 1
    assert [(one["difference"], one["key"]) for one in told] == [
        ("object_without_row", "show/ep2.mp3"),
        ("sidecar_missing", "show/evil\x1b[31m\n.mp3.transcript.json"),
    ]
    assert last["summary"]["differences"] == 2
    assert last["summary"]["by_kind"] == {"object_without_row": 1, "sidecar_missing": 1}
    assert (last["summary"]["rows"], last["summary"]["run_id"]) == (2, "run1")


def test_rows_that_cannot_be_compared_are_told(archive):
    archive.put("_nightscribe/runs/run1/part-00001.jsonl.gz", b"")

    outcome = run(archive)

    assert outcome.exit_code == 1
    assert outcome.stdout.startswith(
        "part_checksum       '_nightscribe/runs/run1/part-00001.jsonl.gz'  has 0 bytes of "
    )
    assert "Not compared, for their rows cannot be read: 2 objects and lone sidecars.\n" in outcome.stdout


def test_a_manifest_that_cannot_be_read_is_a_difference_and_no_mistake(archive):
    archive.put("_nightscribe/latest.json", b"{")

    outcome = run(archive)

    assert outcome.exit_code == 1
    assert "the manifest, which cannot be read" in outcome.stdout


def test_an_archive_without_a_manifest_is_refused(archive):
    outcome = run(archive, uri="s3://podcasts/show")

    assert isinstance(outcome.exception, ConfigurationError)
    assert outcome.exception.exit_code == 2
    assert "There is no manifest of s3://podcasts/show," in outcome.exception.message


def test_results_in_another_place_are_found_there():
    archive = FinishedArchive(Place(bucket="podcasts", prefix="show/"), Place(bucket="transcripts", prefix="out/"))
    archive.transcribed("show/ep1.mp3")
    archive.finish()

    outcome = run(archive, "--output", "s3://transcripts/out/", uri="s3://podcasts/show/")

    assert outcome.exit_code == 0, outcome.output


def test_an_unfinished_run_is_named_beside_the_differences(archive):
    note = OpenRunNote(archive.storage, builders.OUTPUT, builders.OUTPUT)
    note.write(UnfinishedRun(run_id="run2", recipe="h", started_at=builders.NOW), None)
    without = run(archive)
    damage(archive)

    outcome = run(archive)

    assert without.stderr == ""
    assert "Run run2 is not finished." in outcome.stderr
    assert outcome.exit_code == 1


def test_an_open_run_that_cannot_be_read_hides_no_difference(archive):
    damage(archive)
    archive.put("_nightscribe/open.json", b"{}")

    outcome = run(archive)

    assert (outcome.exit_code, len(outcome.stdout.splitlines())) == (1, 4)
    assert "_nightscribe/open.json" in outcome.stderr


def test_long_work_shows_that_it_goes_on(archive):
    for number in range(1000):
        archive.audio(f"z/{number:04}.mp3")

    outcome = run(archive, NIGHTSCRIBE_RUN_PROGRESS_EVERY_S="0.000001")

    assert outcome.stderr.startswith("1000 objects compared, 998 differences, at 'z/0997.mp3'\n")
