"""`nightscribe query`: what it prints, and the mistakes that it tells. All in memory."""

from __future__ import annotations

import csv
import io
import json
import sys
import tempfile

import builders
import pytest
from click.testing import CliRunner
from manifest_files import write_manifest

from pipeline.cli.query import query
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.models import Place, State
from pipeline.query import named_queries
from pipeline.settings import load_settings
from pipeline.storage.memory import MemoryStorage

ARCHIVE = Place(bucket="podcasts", prefix="shows/")


def command(storage, *words, archive=ARCHIVE):
    session = Session({})
    session.loaded = load_settings(session.environment)
    session.storage = storage
    place = [archive.uri] if archive else []
    return CliRunner().invoke(query, [*place, *words], obj=session)


def said(storage, *words, **options):
    outcome = command(storage, *words, **options)
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


@pytest.fixture
def storage():
    """An archive of three shows with a manifest of three parts."""
    storage = MemoryStorage()
    rows = [
        builders.row("shows/a/1.mp3", duration_s=3600.0, words=9000, speech=True, cost_usd=0.5, processing_s=36.0),
        builders.row("shows/a/2.mp3", State.FAILED, reason="not_audio", message="It is a page.", permanent=True),
        builders.row("shows/b\t\x1b[2J/3.mp3", duration_s=1800.0, words=3, speech=True, cost_usd=0.25),
        builders.row("shows/c/4.mp3", State.FAILED, reason="not_audio", message="It is a picture."),
        builders.row("shows/c/5.mp3", State.UNCERTAIN, reason="submit_reply_lost"),
    ]
    write_manifest(storage, ARCHIVE, rows[:2], rows[2:4], rows[4:])
    return storage


def test_failures_are_counted_by_reason_with_an_example(storage):
    answer = json.loads(said(storage, "--named", "failures", "--format", "json"))

    assert [(row["reason"], row["objects"], row["at_fault_themselves"]) for row in answer] == [
        ("not_audio", 2, 1),
        ("submit_reply_lost", 1, 0),
    ]
    assert (answer[0]["example_key"], answer[0]["example_message"]) == ("shows/a/2.mp3", "It is a page.")


def test_cost_and_hours_are_summed_by_show(storage):
    answer = json.loads(said(storage, "--named", "shows", "--format", "json"))

    assert [(row["show_name"], row["audio_hours"], row["cost_usd"], row["failed"]) for row in answer] == [
        ("a", 1.0, 0.5, 1),
        ("b\t\x1b[2J", 0.5, 0.25, 0),
        ("c", None, None, 1),
    ]


def test_all_parts_are_asked_and_tsv_is_printed_where_no_terminal_is(storage):
    text = said(storage, "SELECT key, words, cost_usd, speech, last_modified FROM manifest WHERE words < 10")

    assert text.splitlines() == [
        "key\twords\tcost_usd\tspeech\tlast_modified",
        "shows/b\\t\\x1b[2J/3.mp3\t3\t0.25\ttrue\t2026-11-22T02:00:00Z",
    ]


def test_csv_gives_keys_back_as_they_are(storage):
    text = said(storage, "SELECT key, reason FROM manifest ORDER BY key", "--format", "csv")

    header, *rows = csv.reader(io.StringIO(text))
    assert header == ["key", "reason"]
    assert ["shows/b\t\x1b[2J/3.mp3", ""] in rows
    assert len(rows) == 5


def test_json_has_an_object_per_row_and_every_kind_of_value(storage):
    text = said(storage, "SELECT 1 AS a, 2 AS a, 1.5 AS d, [1] AS l, 'nan'::DOUBLE AS n, NULL AS z", "--format", "json")

    assert json.loads(text) == [{"a": 1, "a_2": 2, "d": 1.5, "l": [1], "n": None, "z": None}]
    assert json.loads(said(storage, "SELECT key FROM manifest WHERE false", "--format", "json")) == []
    assert len(json.loads(said(storage, "SELECT key FROM manifest", "--format", "json"))) == 5


def test_a_table_shows_no_control_character_and_no_markup(storage):
    text = said(storage, "SELECT key, '[bold]x' AS \"a\rb\", 0.1 + 0.2::DOUBLE AS n FROM manifest", "--format", "table")

    assert not set("\x1b\t\r") & set(text)
    assert "shows/b\\t\\x1b[2J/3.mp3  [bold]x  0.3\n" in text
    assert "a\\rb" in text


def test_a_table_ends_somewhere_and_says_so(storage):
    outcome = command(storage, "SELECT n FROM range(5000) t(n)", "--format", "table")

    assert "999\n" in outcome.stdout
    assert "1000" not in outcome.stdout
    assert "first 1,000 rows" in outcome.stderr


def test_the_named_queries_can_be_listed_without_an_archive(storage):
    text = said(storage, "--list", archive=None)

    for one in named_queries().values():
        assert f"--named {one.name}" in text
        assert one.sql in text
    assert storage.calls == {}


def test_results_in_another_place_are_asked_there():
    storage = MemoryStorage()
    output = Place(bucket="texts", prefix="out/")
    write_manifest(storage, ARCHIVE, [builders.row("shows/a/1.mp3")], output=output)

    assert said(storage, "SELECT key FROM manifest", "--output", output.uri) == "key\nshows/a/1.mp3\n"


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), "Give either SQL or --named"),
        (("SELECT 1", "--named", "shows"), "Give either SQL or --named"),
        (("--named", "costs"), "'failures', 'shows', 'suspicious'"),
        (("SELECT '\udcff'",), "UTF-8"),
        (("SELECT 1", "--format", "xml"), "'xml' is not one of"),
    ],
)
def test_a_wrong_command_line_is_told(storage, words, wanted):
    outcome = command(storage, *words)

    assert outcome.exit_code == 2
    assert wanted in outcome.stderr


def test_an_archive_is_needed_to_ask(storage):
    assert "s3://BUCKET/PREFIX" in command(storage, archive=None).stderr


def failure(storage, *words, **options):
    error = command(storage, *words, **options).exception
    assert isinstance(error, ConfigurationError)
    assert error.exit_code == 2
    return error


def test_bad_sql_is_told_in_duckdbs_words(storage):
    error = failure(storage, "SELECT kye FROM manifest")

    assert 'Referenced column "kye" not found' in error.message
    assert '"key"' in error.message


def test_an_archive_without_a_manifest_is_told_with_what_to_do(storage):
    error = failure(storage, "SELECT 1", archive=Place(bucket="podcasts"))

    assert "s3://podcasts/_nightscribe/latest.json" in error.message
    assert "nightscribe backfill" in error.message


@pytest.mark.parametrize("harm", [lambda body: body[:-1] + b"x", lambda body: body[:-1], None])
def test_a_part_that_is_not_as_it_was_written_is_told(storage, harm):
    key = "_nightscribe/archives/shows/runs/run1/part-00002.jsonl.gz"
    if harm:
        storage.put("podcasts", key, harm(storage.read("podcasts", key).body))
    else:
        storage.delete("podcasts", key)

    error = failure(storage, "SELECT 1")

    assert (error.reason, "part-00002" in error.message) == ("manifest_damaged", True)


def test_without_the_extra_it_says_how_to_get_it(storage, monkeypatch):
    monkeypatch.setitem(sys.modules, "duckdb", None)

    error = failure(storage, "SELECT 1")

    assert (error.reason, "pip install 'nightscribe[query]'" in error.message) == ("query_extra_missing", True)


@pytest.mark.parametrize("absent", ["numpy", "pytz"])
def test_no_more_than_duckdb_is_needed(storage, monkeypatch, absent):
    """DuckDB reaches for others where a value needs them; a manifest's values do not."""
    monkeypatch.setitem(sys.modules, absent, None)

    assert len(said(storage, "SELECT * FROM manifest").splitlines()) == 6


def test_nothing_is_left_in_the_temporary_folder(storage, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    said(storage, "SELECT key FROM manifest")
    failure(storage, "SELEC")

    assert list(tmp_path.iterdir()) == []
