"""`nightscribe query` from outside: SQL over the manifest that a real run has left in a real store."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from archives import eventually, says

pytestmark = [pytest.mark.e2e]

NOWHERE = {"REDIS_URL": "redis://127.0.0.1:9/0", "FAL_KEY": ""}  # neither is needed to ask


def query(archive, *words, **env):
    outcome = archive.run("query", archive.uri, *words, **NOWHERE | env)
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout


@pytest.fixture
def transcribed(archive):
    """An archive with a manifest: recordings, and files that are none, under keys of every kind."""
    archive.put_episodes(3)
    for key in ("bad/page\x1b[2J.mp3", "bad/朗読\t'quoted'.mp3"):
        archive.put(key, b"<!DOCTYPE html><html><body>404 not found</body></html>" * 50)
    archive.start_worker()
    outcome = archive.run("backfill", archive.uri)
    assert outcome.returncode == 1, outcome.stderr  # some objects failed
    return archive


def test_a_manifest_is_asked_as_it_lies_in_s3(transcribed):
    rows = transcribed.rows()

    answer = json.loads(query(transcribed, "SELECT * EXCLUDE (show_name) FROM manifest", "--format", "json"))

    assert [(row["key"], row["state"], row["words"], row["cost_usd"]) for row in answer] == [
        (row["key"], row["state"], row["words"], row["cost_usd"]) for row in rows
    ]
    failures = json.loads(query(transcribed, "--named", "failures", "--format", "json"))
    assert [(row["reason"], row["objects"]) for row in failures] == [("not_audio", 2)]
    shows = json.loads(query(transcribed, "--named", "shows", "--format", "json"))
    assert sum(row["objects"] for row in shows) == len(rows)
    slow = json.loads(query(transcribed, "--named", "suspicious", "--format", "json"))
    assert {row["key"] for row in slow} <= {row["key"] for row in rows}


def test_a_terminal_gets_a_table_without_control_characters(transcribed):
    """A real terminal, which would act upon an escape in a key."""
    ours, theirs = pty.openpty()
    sql = "SELECT key, reason FROM manifest WHERE state = 'failed'"
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "query", transcribed.uri, sql],
        env=transcribed.environment | NOWHERE | {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"},
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert (done.returncode, done.stderr) == (0, b"")
    assert "bad/page\\x1b[2J.mp3" in shown
    assert "bad/朗読\\t'quoted'.mp3" in shown
    assert "\x1b" not in shown
    assert "not_audio" in shown


def test_a_reader_that_has_enough_ends_it(transcribed):
    command = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "query", transcribed.uri, "SELECT repeat('x', 1000) FROM range(1000000)"],
        env=transcribed.environment | NOWHERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    transcribed.processes.append(command)
    command.stdout.readline()
    command.stdout.close()

    assert command.stderr.read() == b""
    assert command.wait(60) in {0, 1}  # Click's own for a reader that has gone
    command.stderr.close()


def test_a_long_query_can_be_interrupted_and_leaves_nothing(transcribed, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = transcribed.start(
        "query", transcribed.uri, "SELECT sum(a.n * b.n) FROM range(1e7::INT) a(n), range(1e7::INT) b(n)",
        TMPDIR=str(temporary),
    )  # fmt: skip
    eventually(lambda: list(temporary.glob("*/*.jsonl.gz")), "the parts are there")

    command.send_signal(signal.SIGINT)

    assert command.wait(60) == 130
    assert transcribed.log("command.log").strip().splitlines() == ["Interrupted."]
    assert list(temporary.iterdir()) == []


def test_mistakes_are_told(archive):
    says(archive.run("query", archive.uri, "SELECT 1"), 2, f"{archive.uri}_nightscribe/latest.json", "backfill")
    says(archive.run("query", "s3://no-such-bucket-here/", "SELECT 1"), 2, "no-such-bucket-here", "no such bucket")


def test_bad_sql_and_a_changed_part_are_told(transcribed):
    says(transcribed.run("query", transcribed.uri, "SELEC 1"), 2, "DuckDB says", "syntax error")
    says(transcribed.run("query", transcribed.uri, "SELECT * FROM '/etc/passwd'"), 2, "DuckDB says", "/etc/passwd")
    (part,) = [key for key in transcribed.keys("_nightscribe/runs/") if key.endswith("part-00001.jsonl.gz")]
    transcribed.put(part, transcribed.read(part)[:-1])

    says(transcribed.run("query", transcribed.uri, "SELECT 1"), 2, part, "changed")
