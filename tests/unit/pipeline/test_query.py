"""query: SQL over a manifest's parts, locked in, and the queries that come with it."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

import builders
import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifest_files import packed

from pipeline.errors import ConfigurationError
from pipeline.models import ManifestRow, Place, State
from pipeline.query import Database, manifest_view, named_queries

ARCHIVE = Place(bucket="podcasts", prefix="shows/")
any_key = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def ask(sql, *parts, prefix="", without=frozenset()):
    """The columns and rows of an answer over parts with these rows, which may lack fields that are newer than they."""
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder)) as database:
        files = [Path(folder) / f"it's part {number}.jsonl.gz" for number in range(len(parts))]
        for file, rows in zip(files, parts, strict=True):
            file.write_bytes(packed(rows, without))
        database.define(manifest_view(files, prefix))
        answer = database.ask(sql)
        return answer.columns, list(answer.rows)


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
        suspect=("gap", "loop"),
        stands_for="0123456789abcdef",
    )

    columns, (row,) = ask("SELECT * EXCLUDE (show_name) FROM manifest", [full])

    wanted = (
        full.model_dump()
        | {"suspect": ["gap", "loop"]}
        | {name: getattr(full, name).replace(tzinfo=None) for name in ("last_modified", "settled_at")}
    )
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


def test_ctrl_c_ends_a_statement_of_ours_too(tmp_path):
    """Making the view reads the files: a signal may come as well then."""
    endless = "CREATE TABLE t AS SELECT sum(a.n * b.n) FROM range(1e7::INT) a(n), range(1e7::INT) b(n)"
    later = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    with Database(tmp_path) as database:
        later.start()
        with pytest.raises(KeyboardInterrupt):
            database.define(endless)
    later.join()


# the queries that have names


def test_every_named_query_begins_with_what_it_answers_and_runs_on_an_empty_manifest():
    assert list(named_queries()) == ["failures", "shows", "suspicious"]
    for one in named_queries().values():
        assert one.sql.startswith(f"-- {one.about}\n")
        assert one.about.endswith(".")
        assert ask(one.sql)[1] == []


def test_what_reads_wrong_is_said_by_its_name():
    rows = [
        builders.row("fine", duration_s=3600.0, words=9000, speech=True),
        builders.row("music", duration_s=3600.0, words=60, speech=True),  # lint was asked, and had other thresholds
        builders.row("two doubts", duration_s=30.0, words=90, speech=True, suspect=("loop", "truncated")),
        builders.row("silent", duration_s=900.0, words=0, speech=False, suspect=("silent",)),
        builders.row("failed", State.FAILED),
    ]

    columns, found = ask(named_queries()["suspicious"].sql, rows)

    assert columns[:2] == ("suspicion", "key")
    assert {(suspicion, key) for suspicion, key, *_ in found if suspicion != "slow"} == {
        ("loop", "two doubts"),
        ("truncated", "two doubts"),
        ("silent", "silent"),
    }


def test_rows_that_are_older_than_lint_are_judged_by_their_figures():
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
    _, found = ask(named_queries()["suspicious"].sql, rows, without={"suspect", "stands_for", "second_tried"})

    others = {(suspicion, key) for suspicion, key, *_ in found if suspicion != "slow"}
    assert others == {
        ("few_words", "few"),
        ("few_words", "unknown language"),
        ("many_words", "many"),
        ("silent", "silent"),
    }


def test_the_slowest_are_the_slowest_for_their_length():
    rows = [
        builders.row(f"{number:03}", duration_s=600.0 * number, processing_s=60.0, words=1500 * number, speech=True)
        for number in range(1, 41)
    ]

    _, found = ask(named_queries()["suspicious"].sql, rows)

    assert [(row[0], row[1]) for row in found] == [("slow", f"{number:03}") for number in range(1, 21)]
