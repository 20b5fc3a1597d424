"""What `nightscribe explain` prints; everything but Redis, which is away, is in memory."""

from __future__ import annotations

import json
from datetime import timedelta

import builders
import looking
import pytest
from click.testing import CliRunner
from stages import House

from pipeline import errors, keys
from pipeline.cli.explain import explain
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError
from pipeline.models import IntentState
from pipeline.settings import load_settings
from pipeline.speech.memory import Script

URI = "s3://podcasts/show/ep1.mp3"
SIDECAR = f"show/ep1.mp3{keys.SIDECAR_SUFFIX}"
AWAY = {"REDIS_URL": "redis://127.0.0.1:9/0"}  # nothing listens on the port of `discard`


@pytest.fixture
def house():
    return House()


def run(house, *words, uri=URI, env=None):
    session = Session(env or AWAY)
    session.loaded = load_settings(session.environment)
    session.storage = house.storage
    return CliRunner().invoke(explain, [uri, *words], obj=session)


def said(house, **options):
    outcome = run(house, **options)
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def fact(text, name):
    """The lines of one name, without the name."""
    return [line[12:] for line in text.splitlines() if line.startswith(f"{name:<12}")]


@pytest.mark.parametrize(
    ("passed", "shown"),
    [({"seconds": 3.25}, "+3.2 s"), ({"seconds": 90}, "+1.5 min"), ({"hours": 5}, "+5.0 h"), ({"days": 3}, "+3.0 d")],
)
def test_each_line_says_how_long_after_the_one_before(house, passed, shown):
    house.work(house.job.model_copy(update={"planned_at": house.now - timedelta(**passed)}))

    first, second = [line for line in said(house).splitlines() if line.startswith("2026-11-")][:2]

    assert first.endswith("planned    run run1")
    assert second == f"2026-11-22 02:00:00Z  {shown:>9}  leased     by worker worker-1"


def test_the_facts_come_first_and_what_to_do_last(house):
    looking.write_manifest(house.storage, house.work().row)

    text = said(house)

    assert fact(text, "object") == [URI]
    etag = house.job.object.etag
    assert fact(text, "version") == [f"11 bytes, ETag {etag}, as in the story"]
    (transcript,) = fact(text, "transcript")
    assert transcript.startswith(f"s3://podcasts/{SIDECAR}: fal-ai/whisper, language en, length 00:01:00.000, ")
    assert transcript.endswith("cost unknown, request request-1, attempts 1")
    assert fact(text, "row") == ["done in the manifest of run run1, 2026-11-22 02:00:00Z"]
    assert fact(text, "next") == [f"Nothing is left to do. Read it: nightscribe show {URI}"]


def test_a_redis_that_is_away_is_one_line(house):
    (note,) = fact(said(house), "note")

    assert "127.0.0.1:9 does not answer" in note


def test_a_redis_that_is_not_configured_is_one_line(house):
    (note,) = fact(said(house, env={"REDIS_URL": "localhost:6379"}), "note")

    assert "redis.url" in note


def test_the_address_of_a_transcript_stands_for_its_audio(house):
    house.work()

    assert fact(said(house, uri=f"s3://podcasts/{SIDECAR}"), "object") == [URI]


def test_a_replaced_and_a_deleted_audio_are_told_apart(house):
    house.work()
    house.forget_intent()
    old = house.job.object.etag
    new = house.new_version(b"another recording").object.etag
    assert fact(said(house), "version") == [f"17 bytes, ETag {new}; the story is about ETag {old}: replaced since"]

    house.storage.delete("podcasts", "show/ep1.mp3")
    assert fact(said(house), "version") == [f"gone; the story is about ETag {old}"]


def test_the_lines_of_two_jobs_bear_their_names(house):
    house.work()
    house.forget_intent()
    house.job = builders.job(house.job.object, builders.recipe("fal-ai/wizper"))
    house.leave_intent(IntentState.INTENDED)
    looking.write_manifest(house.storage, builders.row(job_id=house.job.job_id))

    lines = [line for line in said(house).splitlines() if line.startswith("2026-")]

    assert all("[job " in line for line in lines)
    assert len({line.partition("[job ")[2][:8] for line in lines}) == 2


def test_a_kept_transcript_has_its_address(house):
    house.transcriber.on_fetch = lambda: house.storage.put("podcasts", SIDECAR, b"a stranger's file")
    looking.write_manifest(house.storage, house.work().row)

    (kept,) = fact(said(house), "kept")

    assert kept.startswith(f"s3://podcasts/{keys.unplaced_key(house.job.output, house.job.job_id)}")


def test_results_in_another_place_are_looked_for_there_and_named_in_the_advice(house):
    output = builders.OUTPUT.model_copy(update={"bucket": "texts"})
    house.job = house.job.model_copy(update={"output": output})
    house.work()

    text = run(house, "--output", "s3://texts/").stdout

    assert fact(text, "next") == [f"Nothing is left to do. Read it: nightscribe show {URI} --output s3://texts/"]


def test_a_message_with_a_secret_and_control_characters_is_shown_without(house):
    house.probe.error = errors.AudioRejectedError("\x1b[2J?X-Amz-Signature=canary", "not_audio")
    looking.write_manifest(house.storage, house.work().row)

    plain, as_json = said(house), run(house, "--json").stdout

    assert "canary" not in plain + as_json
    assert "\x1b" not in plain + as_json
    assert "\\x1b[2J?X-Amz-Signature=REDACTED" in plain


def test_programs_read_the_same(house):
    house.script(Script(answer=builders.answer()))
    looking.write_manifest(house.storage, house.work().row)

    read = json.loads(run(house, "--json").stdout)

    assert (read["uri"], read["stands"], read["row"]["state"], read["live"]) == (URI, "done", "done", None)
    assert [line["what"] for line in read["story"]][-1] == "written"
    assert read["next"] == fact(said(house), "next")[0]


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_what_is_not_there_and_not_known_is_an_error(house, words):
    outcome = run(house, *words, uri="s3://podcasts/typo\x1b.mp3")

    assert isinstance(outcome.exception, ConfigurationError)
    assert outcome.exception.exit_code == 2
    assert "s3://podcasts/typo\\x1b.mp3" in outcome.exception.message
    assert outcome.stdout == ""
