"""query: SQL over a manifest's parts, locked in; what it prints, and the queries that come with it. All in memory."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import builders
import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import keys
from pipeline.cli.query import query
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.models import Latest, Manifest, ManifestPart, ManifestRow, Place, RecipeStamp, State, Totals
from pipeline.query import Database, manifest_view, named_queries
from pipeline.settings import load_settings
from pipeline.storage.memory import MemoryStorage

ARCHIVE = Place(bucket="podcasts", prefix="shows/")
any_key = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def packed(rows):
    """A part file: gzipped JSON lines."""
    return gzip.compress("".join(f"{row.model_dump_json()}\n" for row in rows).encode())


def write_manifest(storage, *parts, output=builders.OUTPUT):
    """A manifest of the archive as it lies in S3, with these rows in its parts."""
    folder = keys.run_folder(output, ARCHIVE, "run1")
    records = []
    for number, rows in enumerate(parts, 1):
        body, name = packed(rows), f"part-{number:05d}.jsonl.gz"
        storage.put(output.bucket, folder + name, body)
        ends = {"first_key": rows[0].key, "last_key": rows[-1].key, "rows": len(rows), "size_bytes": len(body)}
        records.append(ManifestPart(name=name, sha256=hashlib.sha256(body).hexdigest(), **ends))
    manifest = Manifest(
        run_id="run1",
        archive=ARCHIVE,
        output=output,
        recipe=RecipeStamp.of(builders.recipe()),
        started_at=builders.NOW,
        finished_at=builders.NOW,
        complete=True,
        totals=Totals(),
        this_run=Totals(),
        parts=tuple(records),
        software="nightscribe",
    )
    storage.put(output.bucket, f"{folder}manifest.json", manifest.model_dump_json().encode())
    latest = Latest(run_id="run1", manifest_key=f"{folder}manifest.json", finished_at=builders.NOW)
    storage.put(output.bucket, keys.latest_key(output, ARCHIVE), latest.model_dump_json().encode())


def ask(sql, *parts, prefix=""):
    """The columns and rows of an answer over parts with these rows."""
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder)) as database:
        files = [Path(folder) / f"it's part {number}.jsonl.gz" for number in range(len(parts))]
        for file, rows in zip(files, parts, strict=True):
            file.write_bytes(packed(rows))
        database.define(manifest_view(files, prefix))
        answer = database.ask(sql)
        return answer.columns, list(answer.rows)


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
    write_manifest(storage, rows[:2], rows[2:4], rows[4:])
    return storage


# the view


@settings(max_examples=30, deadline=None)  # the first database takes a while to open
@given(st.lists(st.lists(any_key, min_size=1, max_size=4), min_size=1, max_size=3))
def test_any_key_of_any_part_comes_back_as_it_is(parts):
    _, rows = ask("SELECT key FROM manifest ORDER BY key", *([builders.row(key) for key in part] for part in parts))

    assert [key for (key,) in rows] == sorted((key for part in parts for key in part), key=str.encode)


def test_every_field_of_a_row_is_a_column_with_its_value():
    full = builders.row(
        version_id="v1",
        reason="no_speech",
        message='Nothing "heard"\nin it',
        permanent=True,
        endpoint_id="fal-ai/whisper",
        request_id="r",
        attempts=3,
        duration_s=1.5,
        words=2**40,
        language="en",
        speech=False,
        cost_usd=0.1,
        processing_s=2.25,
        sidecar_key="k",
        sidecar_etag="e",
        settled_at=builders.NOW + timedelta(microseconds=5),
    )

    columns, (row,) = ask("SELECT * EXCLUDE (show_name) FROM manifest", [full])

    wanted = full.model_dump() | {
        name: getattr(full, name).replace(tzinfo=None) for name in ("last_modified", "settled_at")
    }
    assert dict(zip(columns, row, strict=True)) == wanted
    assert columns == tuple(ManifestRow.model_fields)


@pytest.mark.parametrize("parts", [(), ([builders.row()],)], ids=["no rows", "one row"])
def test_a_column_in_which_nothing_stands_keeps_its_type(parts):
    _, rows = ask("DESCRIBE SELECT duration_s, words, speech, settled_at, reason FROM manifest", *parts)

    assert [row[1] for row in rows] == ["DOUBLE", "BIGINT", "BOOLEAN", "TIMESTAMP", "VARCHAR"]


def test_times_can_be_compared_with_now():
    _, rows = ask(
        "SELECT key FROM manifest WHERE settled_at < now() - INTERVAL 1 DAY",
        [builders.row("old", settled_at=builders.NOW - timedelta(days=9000)), builders.row("never")],
    )

    assert rows == [("old",)]


@pytest.mark.parametrize(
    ("prefix", "key", "show"),
    [
        ("", "a/b/1.mp3", "a"),
        ("shows/", "shows/a/b/1.mp3", "a"),
        ("shows/a", "shows/a2/1.mp3", "a2"),
        ("shows/a/", "shows/a/1.mp3", "shows"),
        ("朗読's 😀/", "朗読's 😀/ソネット/1.mp3", "ソネット"),
        ("", "1.mp3", None),
        ("", "/1.mp3", ""),
    ],
)
def test_the_show_is_the_first_folder_below_the_archives(prefix, key, show):
    assert ask("SELECT show_name FROM manifest", [builders.row(key)], prefix=prefix)[1] == [(show,)]


# what it must not do


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/hostname', columns = {'a': 'VARCHAR'})",
        "SELECT * FROM read_text('/proc/self/environ')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM 'https://example.com/rows.parquet'",
        "SELECT * FROM 's3://podcasts/rows.parquet'",
        "COPY manifest TO '/tmp/nightscribe-test-out.csv'",
        "ATTACH '/tmp/nightscribe-test-out.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "PRAGMA memory_limit = '100GB'",
    ],
)
def test_nothing_outside_can_be_reached(sql):
    with pytest.raises(ConfigurationError) as caught:
        ask(sql, [builders.row()])

    assert caught.value.reason == "bad_query"
    assert not list(Path("/tmp").glob("nightscribe-test-out*"))  # noqa: S108  where the query would have written


@pytest.mark.parametrize("sql", ["", "-- nothing", "SELECT 1; SELECT 2", "DROP VIEW manifest", "BEGIN"])
def test_what_is_no_single_query_is_refused(sql):
    with pytest.raises(ConfigurationError, match="one query"):
        ask(sql, [builders.row()])


def test_no_setting_can_be_changed_any_more_and_times_are_utc_wherever_it_runs(tmp_path):
    with Database(tmp_path) as database:
        with pytest.raises(duckdb.Error, match="locked"):
            database.define("SET memory_limit = '100GB'")
        assert list(database.ask("SELECT current_setting('TimeZone')").rows) == [("UTC",)]


def test_what_does_not_fit_into_memory_is_sorted_on_disk(tmp_path):
    """Half as much again as the memory that the database may use."""
    with Database(tmp_path) as database:
        sql = "SELECT md5(n::VARCHAR) || repeat('x', 1000) AS text FROM range(350000) t(n) ORDER BY text"
        last, count = "", 0
        for (text,) in database.ask(sql).rows:
            assert last < text
            last, count = text, count + 1

    assert count == 350_000


def test_what_does_not_fit_even_so_is_told():
    with pytest.raises(ConfigurationError, match="fewer") as caught:
        ask("SELECT length(string_agg(repeat('x', 1000), '')) FROM range(1000000)")

    assert caught.value.reason == "query_too_large"


def test_a_value_that_does_not_fit_is_told_even_among_the_last_rows():
    rows = [builders.row(f"{number:05}") for number in range(5000)] + [builders.row("x\x1b")]

    with pytest.raises(ConfigurationError, match="Could not convert string") as caught:
        ask("SELECT key::INT FROM manifest", rows)

    assert "'x\\x1b'" in caught.value.message


# the queries that have names


def test_every_named_query_begins_with_what_it_answers_and_runs_on_an_empty_manifest():
    assert list(named_queries()) == ["failures", "shows", "suspicious"]
    for one in named_queries().values():
        assert one.sql.startswith(f"-- {one.about}\n")
        assert one.about.endswith(".")
        assert ask(one.sql)[1] == []


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


def test_what_is_suspicious_about_a_transcript_is_said():
    hour = {"duration_s": 3600.0, "speech": True, "language": "en", "processing_s": 30.0}
    rows = [
        builders.row("fine", words=9000, **hour),
        builders.row("few", words=60, **hour),
        builders.row("many", words=30_000, **hour),
        builders.row("no spaces", words=60, **hour | {"language": "ja"}),
        builders.row("unknown language", words=60, **hour | {"language": None}),
        builders.row("silent", words=0, **hour | {"speech": False}),
        builders.row("silent and short", words=0, **hour | {"speech": False, "duration_s": 599.0}),
        builders.row("too short to tell", words=0, **hour | {"duration_s": 59.0}),
        builders.row("failed", State.FAILED, words=0, **hour),
    ]

    _, found = ask(named_queries()["suspicious"].sql, rows)

    others = {(suspicion, key) for suspicion, key, *_ in found if suspicion != "slow"}
    assert others == {
        ("few words", "few"),
        ("few words", "unknown language"),
        ("many words", "many"),
        ("no speech in ten minutes or more", "silent"),
    }


def test_the_slowest_are_the_slowest_for_their_length():
    rows = [
        builders.row(f"{number:03}", duration_s=600.0 * number, processing_s=60.0, words=1500 * number, speech=True)
        for number in range(1, 41)
    ]

    _, found = ask(named_queries()["suspicious"].sql, rows)

    assert [(row[0], row[1]) for row in found] == [("slow", f"{number:03}") for number in range(1, 21)]


# the command


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
    write_manifest(storage, [builders.row("shows/a/1.mp3")], output=output)

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
