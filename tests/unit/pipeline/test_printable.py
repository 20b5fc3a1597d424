"""What reaches a terminal: no key, message or transcript moves its cursor, colours it, or turns its direction (I10)."""

from __future__ import annotations

import json
import logging
import sys

import builders
import looking
import pytest
import structlog
from click.testing import CliRunner
from finished import FinishedArchive
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from legal_keys import legal_keys

from pipeline import cli, logs
from pipeline.cli import nightscribe
from pipeline.cli.counts import Counts
from pipeline.cli.outcome import Outcome
from pipeline.cli.progress import BarProgress, PlainProgress
from pipeline.cli.session import Session
from pipeline.cli.status import _print as print_status
from pipeline.cli.summary import summarise
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.models import Place
from pipeline.printable import printable, printable_json
from pipeline.settings import LogSettings, load_settings
from pipeline.submit import Notice

quickly = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
any_text = st.text() | legal_keys
TEXT = LogSettings(level="INFO", format="text")
FORBIDDEN = {
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
}


def is_fit(text, lines=None):
    """Whether nothing in a text commands a terminal, but for the ends of so many lines."""
    return not set(text) & (FORBIDDEN - {"\n"}) and (lines is None or text.count("\n") == lines)


@given(any_text)
def test_nothing_is_left_that_commands_a_terminal_and_nothing_else_is_changed(text):
    shown = printable(text)

    assert is_fit(shown, lines=0)
    shown.encode()
    plain = "".join(letter for letter in text if letter not in FORBIDDEN)
    assert printable(plain) == plain


def test_what_is_escaped_can_be_told():
    assert printable("a\x1b[2J\x9b\u202e\udcff\n.mp3") == "a\\x1b[2J\\x9b\\u202e\\udcff\\n.mp3"
    assert printable("one\ntwo\r\n", keep="\n") == "one\ntwo\\r\n"


@given(st.text(st.characters(exclude_categories=["Cs"])) | legal_keys)
def test_json_says_the_same(text):
    as_json = builders.audio(text or " ").model_dump_json(indent=1)

    shown = printable_json(as_json)

    assert is_fit(shown, lines=as_json.count("\n"))
    assert json.loads(shown) == json.loads(as_json)


@pytest.fixture
def archive():
    """An archive with transcripts of odd keys."""
    return FinishedArchive()


def run(archive, *words):
    session = Session({})
    session.loaded = load_settings(session.environment)
    session.storage = archive.storage
    outcome = CliRunner().invoke(nightscribe, words, obj=session)
    assert isinstance(outcome.exception, SystemExit | None), outcome.exception
    return outcome.output


@pytest.fixture(autouse=True)
def _session_of_the_test(monkeypatch):
    """The group's own callback would make a session of the environment; and nobody waits for a Redis that is away."""

    def away(_settings):
        raise ServiceUnavailableError("Redis is away.")

    monkeypatch.setattr(nightscribe, "callback", None)
    monkeypatch.setattr("pipeline.cli.explain.open_live", away)


@quickly
@given(key=legal_keys, text=any_text.filter(str.strip))
def test_commands_about_one_object(key, text):
    archive = FinishedArchive()
    archive.transcribed(key, text=text.encode(errors="replace").decode())
    uri = f"s3://podcasts/{key}"

    for words in (("show", uri), ("show", uri, "--json"), ("explain", uri), ("explain", uri, "--json")):
        assert is_fit(run(archive, *words)), words
    assert json.loads(run(archive, "show", uri, "--json"))["object"]["key"] == key


@quickly
@given(key=legal_keys)
def test_commands_about_an_archive(key):
    name = f"{key}.mp3"
    archive = FinishedArchive(archive=Place(bucket="podcasts", prefix=key))
    archive.transcribed(name)
    archive.audio(f"{key} 2.mp3", b"")
    archive.finish()
    uri = f"s3://podcasts/{key}"

    for words in (("plan", uri), ("plan", uri, "--list"), ("plan", uri, "--json"), ("verify", uri)):
        assert is_fit(run(archive, *words)), words


def summary(archive, capsys, *, as_json):
    outcome = Outcome(run_id="run2", manifest=archive.finish())
    summarise(outcome, outcome.manifest, Counts(), None, as_json=as_json)
    return capsys.readouterr().out


@quickly
@given(key=legal_keys)
def test_the_summary_of_a_run(capsys, key):
    archive = FinishedArchive(archive=Place(bucket="podcasts", prefix=key))
    archive.failed(f"{key}.mp3")

    assert is_fit(summary(archive, capsys, as_json=False), lines=5)
    as_json = summary(archive, capsys, as_json=True)
    assert is_fit(as_json)
    assert json.loads(as_json)["archive"]["prefix"] == key


@quickly
@given(key=legal_keys)
def test_the_state_of_runs(capsys, key):
    run_of = {"run_id": "r", "archive_uri": f"s3://podcasts/{key}", "endpoint_id": "e", "outstanding": 1}
    state = {
        "workers": [],
        "queued": 0,
        "permits": {"held": 0, "limit": 1, "ceiling": 1},
        "runs": [run_of | {"dispatcher_alive": True}],
        "stopped_because": key,
        "manifest": None,
    }

    print_status(state, Place(bucket="podcasts", prefix=key))

    assert is_fit(capsys.readouterr().out, lines=6)


@quickly
@given(key=legal_keys)
@pytest.mark.parametrize("kind", [PlainProgress, BarProgress])
def test_a_notice_of_a_run(capsys, kind, key):
    progress = kind(60, Counts()) if kind is PlainProgress else kind(Counts())

    progress.show(Notice(f"about {key}"))

    assert is_fit(capsys.readouterr().err)


@quickly
@given(key=legal_keys)
def test_an_error(monkeypatch, capsys, key):
    def fail(**_):
        raise ConfigurationError(f"There is no object s3://podcasts/{key}.")

    monkeypatch.setattr(cli, "nightscribe", type("Group", (), {"main": staticmethod(fail)}))

    with pytest.raises(SystemExit):
        cli.main()

    assert is_fit(capsys.readouterr().err, lines=1)


def test_a_drawing_of_duckdb_keeps_its_lines(monkeypatch, capsys):
    def fail(**_):
        raise ConfigurationError("DuckDB says: \nLINE 1: SELECT \x1b\n        ^", "bad_query")

    monkeypatch.setattr(cli, "nightscribe", type("Group", (), {"main": staticmethod(fail)}))

    with pytest.raises(SystemExit):
        cli.main()

    assert capsys.readouterr().err == "Error: DuckDB says: \nLINE 1: SELECT \\x1b\n        ^\n"


def test_a_mistyped_word(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["nightscribe", "show", "s3\x1b[2J", "--outpu\u202et"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert is_fit(said)
    assert "\\x1b" in said or "\\u202e" in said


@pytest.fixture
def text_logs(monkeypatch):
    """A test may set up logs as on a terminal: afterwards they are as before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    structlog.contextvars.clear_contextvars()  # a job that was performed in this thread has left its request
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@quickly
@given(key=legal_keys)
def test_a_log_line(text_logs, capsys, key):
    logs.configure(TEXT)
    with logs.bound_to(builders.job(builders.audio(key)), "w1"):
        logs.get_logger().info("sidecar_written", place=f"s3://podcasts/{key}")

    assert is_fit(capsys.readouterr().err, lines=1)


def test_a_log_line_of_a_traceback_keeps_its_lines(text_logs, capsys):
    logs.configure(TEXT)

    logs.get_logger().error("failed", exc_info=LookupError("one a\x1b[2J.mp3\nand another"))

    assert capsys.readouterr().err.endswith("failed\nLookupError: one a\\x1b[2J.mp3\nand another\n")


def test_looking_is_not_disturbed(archive):
    """The key of an object is exact where programs read it."""
    key = "shows/a\x1b\u202e\n.mp3"
    archive.transcribed(key)
    looking.write_manifest(archive.storage, *archive.rows.values())

    assert json.loads(run(archive, "explain", f"s3://podcasts/{key}", "--json"))["object"]["key"] == key
