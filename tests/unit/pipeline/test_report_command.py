"""`nightscribe report`, and the report that a run writes by itself. S3 is in memory."""

from __future__ import annotations

import re

import builders
import pytest
from click.testing import CliRunner
from manifest_files import write_manifest
from reported import ARCHIVE, facts, finished, two_nights

from pipeline import keys
from pipeline.cli.report import report
from pipeline.cli.run_report import RunReport
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError, ForeignObjectError, ServiceUnavailableError
from pipeline.manifest import Draft, Newest, finish
from pipeline.models import Manifest, Place, Price
from pipeline.settings import load_settings
from pipeline.storage.memory import MemoryStorage

TONIGHT, EARLIER = "20261122T220004Z-1a2b3c", "20261115T220004Z-0a0a0a"
KEY = keys.report_key(builders.OUTPUT, ARCHIVE, TONIGHT)
PRICE = Price(endpoint_id="fal-ai/whisper", usd_per_audio_hour=0.036)


@pytest.fixture
def storage():
    made = MemoryStorage()
    two_nights(made)
    return made


def run(storage, *words, uri="s3://podcasts/shows/"):
    session = Session({})
    session.loaded = load_settings({})
    session.storage = storage
    return CliRunner().invoke(report, [uri, *words], obj=session)


def by_itself(storage, rows, of):
    """Ends a run as the command does, with its report."""
    onlooker = RunReport(of)
    with Draft() as draft:
        for row in rows:
            draft.put(row)
        made = finish(storage, draft, of, Newest(), now=of.started_at, part_rows=9, onlooker=onlooker)
    return made, onlooker.write(storage, made, PRICE)


def without(text, *facts):
    """The page without these facts of the last section."""
    return re.sub(rf"<dt>({'|'.join(facts)})</dt><dd>.*?</dd>", "", text)


def test_it_lies_beside_the_manifest_of_the_newest_run(storage):
    outcome = run(storage)

    assert (outcome.exit_code, outcome.output) == (0, f"s3://podcasts/{KEY}\n")
    text = storage.read("podcasts", KEY).body.decode()
    assert "1,585" in text
    assert "X-Amz" not in text


def test_made_anew_it_is_the_one_that_the_run_wrote_but_for_the_price():
    storage = MemoryStorage()
    made, (uri, trouble) = by_itself(storage, [builders.row("shows/a/1.mp3", run_id="run1")], facts("run1"))
    key = keys.report_key(builders.OUTPUT, ARCHIVE, made.run_id)
    first = storage.read("podcasts", key).body.decode()

    assert (uri, trouble, run(storage).exit_code) == (f"s3://podcasts/{key}", None, 0)

    assert "0.036 USD per audio hour" in first
    assert without(first, "price") == storage.read("podcasts", key).body.decode()


def test_a_run_is_named_and_a_file_is_written(storage, tmp_path):
    file = tmp_path / "night.html"

    outcome = run(storage, "--run", EARLIER, "--to", str(file))

    assert (outcome.exit_code, outcome.output) == (0, f"{file}\n")
    assert "This is the archive's first manifest" in file.read_text("utf-8")
    assert run(storage, "--to", str(file)).exit_code == 0
    assert f"Against run {EARLIER}" in file.read_text("utf-8")
    assert storage.read("podcasts", KEY) is None


def test_where_the_manifest_does_not_say_what_has_changed_both_are_compared(storage):
    """As it was written before changes were counted."""
    where = f"{keys.run_folder(builders.OUTPUT, ARCHIVE, TONIGHT)}manifest.json"
    said = Manifest.model_validate_json(storage.read("podcasts", where).body)
    run(storage)
    with_changes = storage.read("podcasts", KEY).body
    storage.put("podcasts", where, said.model_dump_json(exclude={"changes"}).encode())

    assert run(storage).exit_code == 0
    assert storage.read("podcasts", KEY).body == with_changes


def test_without_a_manifest_before_nothing_is_compared():
    storage = MemoryStorage()
    write_manifest(storage, ARCHIVE, [builders.row("shows/a/1.mp3")])

    assert run(storage).exit_code == 0
    text = storage.read("podcasts", keys.report_key(builders.OUTPUT, ARCHIVE, "run1")).body.decode()
    assert "There is no manifest of a run before" in text


def test_a_damaged_manifest_before_keeps_no_report_from_being_made(storage):
    """For instance the one because of which the newest was made anew from the sidecars."""
    folder = keys.run_folder(builders.OUTPUT, ARCHIVE, TONIGHT)
    said = Manifest.model_validate_json(storage.read("podcasts", f"{folder}manifest.json").body)
    storage.put("podcasts", f"{folder}manifest.json", said.model_dump_json(exclude={"changes"}).encode())
    earlier = keys.run_folder(builders.OUTPUT, ARCHIVE, EARLIER)
    storage.put("podcasts", f"{earlier}part-00001.jsonl.gz", b"damaged")

    outcome = run(storage)

    assert outcome.exit_code == 0
    assert "what has changed is not told. s3://podcasts/" in outcome.stderr
    assert b"There is no manifest of a run before" in storage.read("podcasts", KEY).body


def test_a_file_of_somebody_else_is_left_alone(storage, tmp_path):
    file = tmp_path / "notes.html"
    file.write_text("mine")

    outcome = run(storage, "--to", str(file))

    assert (outcome.exit_code, file.read_text()) == (2, "mine")
    assert "no report" in outcome.output
    assert run(storage, "--to", str(tmp_path / "missing" / "x.html")).exit_code == 2


@pytest.mark.parametrize(
    ("words", "uri", "reason"),
    [
        ((), "s3://podcasts/other/", "no_manifest"),
        (("--run", "20260101T000000Z-000000"), "s3://podcasts/shows/", "no_manifest"),
        (("--run", "broken"), "s3://podcasts/shows/", "manifest_unreadable"),
    ],
)
def test_what_is_not_there_is_said(storage, words, uri, reason):
    storage.put("podcasts", f"{keys.run_folder(builders.OUTPUT, ARCHIVE, 'broken')}manifest.json", b"{}")

    outcome = run(storage, *words, uri=uri)

    assert isinstance(outcome.exception, ConfigurationError)
    assert outcome.exception.reason == reason


def test_a_strangers_file_in_its_place_is_left_alone(storage):
    storage.put("podcasts", KEY, b"mine")

    outcome = run(storage)

    assert isinstance(outcome.exception, ForeignObjectError)
    assert storage.read("podcasts", KEY).body == b"mine"


def test_a_report_that_cannot_be_written_does_not_harm_the_run():
    class Away(MemoryStorage):
        def write(self, bucket, key, body, **options):
            if key.endswith("report.html"):
                raise ServiceUnavailableError("s3.example:443 did not answer.")
            return super().write(bucket, key, body, **options)

    made, (uri, trouble) = by_itself(Away(), [builders.row("shows/a/1.mp3")], facts("run1"))

    assert (uri, made.totals.objects) == (None, 1)
    assert trouble == (
        "The report of run run1 was not written: s3.example:443 did not answer. Its manifest was. "
        "To make the report: nightscribe report s3://podcasts/shows/ --run run1"
    )


def test_nor_does_a_row_that_cannot_be_told():
    made, _ = finished(MemoryStorage(), facts("run1"), [])
    bad = builders.remembered(builders.row("shows/a/1.mp3", run_id="run1"))
    bad.line = b'{"key": 1}'
    onlooker = RunReport(facts("run1"))
    onlooker.begin()
    onlooker.add(bad)
    onlooker.add(bad)

    uri, trouble = onlooker.write(MemoryStorage(), made, None)

    assert uri is None
    assert "was not written: ValidationError inside." in trouble


def test_the_command_names_the_output(storage):
    there = Place(bucket="transcripts", prefix="it's/")
    made, _ = finished(storage, facts("run1"), [])
    moved = made.model_copy(update={"output": there})
    _, trouble = RunReport(facts("run1")).write(Unwritable(), moved, None)

    assert trouble.endswith(
        """nightscribe report s3://podcasts/shows/ --output 's3://transcripts/it'"'"'s/' --run run1"""
    )


class Unwritable(MemoryStorage):
    """Refuses every write."""

    def write(self, bucket, key, body, **options):
        raise ServiceUnavailableError("away")
