"""`nightscribe notify`: whom it tells, of what, and what it says when it cannot."""

from __future__ import annotations

import json
import sys

import pytest
from click.testing import CliRunner
from finished import FinishedArchive
from hook_listener import Listener

from pipeline.cli.notify import notify
from pipeline.cli.session import Session
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.models import Ending, RunEnd, State, Trouble
from pipeline.settings import load_settings


@pytest.fixture
def archive():
    made = FinishedArchive()
    made.transcribed("show/ep1.mp3", run_id="run2")
    made.transcribed("show/ep2.mp3", run_id="run1")
    return made


def run(archive, *words, **env):
    session = Session(env)
    session.loaded = load_settings(session.environment)
    session.storage = archive.storage
    return CliRunner().invoke(notify, [*words], obj=session)


def told(archive, tmp_path, *words):
    """What the command of the settings reads when this is run."""
    copy = f"{sys.executable} -c \"import sys; open('{tmp_path}/told', 'w').write(sys.stdin.read())\""
    outcome = run(archive, *words, NIGHTSCRIBE_NOTIFY_COMMAND=copy)
    assert outcome.exit_code == 0, (outcome.output, outcome.exception)
    return RunEnd.model_validate_json((tmp_path / "told").read_text())


def test_it_tells_of_the_last_finished_run(archive, tmp_path):
    archive.finish(run_id="run2")

    end = told(archive, tmp_path, "s3://podcasts/")

    assert (end.ending, end.exit_code, end.run_id) == (Ending.DONE, 0, "run2")
    assert (end.done, end.skipped, end.failed, end.left) == (1, 1, 0, 0)
    assert end.manifest_uri == "s3://podcasts/_nightscribe/runs/run2/manifest.json"
    assert end.report_uri is None


def test_what_failed_is_named(archive, tmp_path):
    archive.failed("show/bad.mp3", run_id="run2", reason="not_audio", message="It is a page.")
    archive.failed("show/worse.mp3", run_id="run1", reason="not_audio", message="Of the night before.")
    archive.finish(run_id="run2")

    end = told(archive, tmp_path, "s3://podcasts/")

    assert (end.ending, end.exit_code, end.failed) == (Ending.FAILED, 1, 1)
    assert end.by_reason == {"not_audio": 1}
    (trouble,) = end.troubles
    assert (trouble.key, trouble.state, trouble.reason) == ("show/bad.mp3", State.FAILED, "not_audio")
    assert (trouble.message, trouble.at) == ("It is a page.", None)


def test_of_many_that_failed_some_are_named(archive, tmp_path):
    for number in range(Trouble.most_told + 2):
        archive.failed(f"show/bad{number:02}.mp3", run_id="run2", reason="not_audio", message="It is a page.")
    archive.finish(run_id="run2")

    end = told(archive, tmp_path, "s3://podcasts/")

    assert end.failed == Trouble.most_told + 2
    assert len(end.troubles) == Trouble.most_told


@pytest.mark.parametrize(
    ("reason", "ending", "code"), [("after_deadline", Ending.DEADLINE, 6), ("budget_reached", Ending.BUDGET, 3)]
)
def test_what_is_left_tells_what_stopped_the_night(archive, tmp_path, reason, ending, code):
    archive.failed("show/later.mp3", run_id=None, state=State.PENDING, reason=reason)
    archive.finish(run_id="run2")

    end = told(archive, tmp_path, "s3://podcasts/")

    assert (end.ending, end.exit_code, end.left) == (ending, code, 1)


def test_a_test_says_that_it_is_one(archive):
    with Listener() as listener:
        outcome = run(archive, "--test", NIGHTSCRIBE_NOTIFY_WEBHOOK_URL=listener.url, NIGHTSCRIBE_NOTIFY_ON="failed")

    assert outcome.stdout == "Told of a test: done.\n"
    (message,) = listener.messages
    assert "This is a test of nightscribe notify: no run has ended." in message["text"]


@pytest.mark.parametrize(
    ("words", "env", "reason"),
    [
        (["--test"], {}, "no_notifier"),
        (["s3://podcasts/"], {}, "no_notifier"),
        (["s3://podcasts/"], {"NIGHTSCRIBE_NOTIFY_COMMAND": "true"}, "no_manifest"),
    ],
)
def test_what_is_missing_is_said(archive, words, env, reason):
    outcome = run(archive, *words, **env)

    assert isinstance(outcome.exception, ConfigurationError)
    assert outcome.exception.reason == reason


def test_that_nobody_could_be_told_fails_without_the_address(archive):
    with Listener((500, {}, "")) as listener:
        outcome = run(archive, "--test", NIGHTSCRIBE_NOTIFY_WEBHOOK_URL=listener.url)

    assert isinstance(outcome.exception, ServiceUnavailableError)
    assert "HTTP 500" in outcome.exception.message
    assert "swordfish" not in json.dumps([outcome.output, outcome.exception.message])


@pytest.mark.parametrize("words", [[], ["s3://podcasts/", "--test"]])
def test_an_archive_or_a_test_and_not_both(archive, words):
    assert run(archive, *words).exit_code == 2
