"""News of real nights: a command and a webhook hear how each ended, and no night fails for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hook_listener import Listener
from jsonschema import Draft202012Validator

pytestmark = pytest.mark.e2e

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "run-end.schema.json"


def writing_to(path):
    return f"{sys.executable} -c \"import sys; open('{path}', 'a').write(sys.stdin.read() + chr(10))\""


def test_a_night_is_told_to_command_and_webhook_and_again_on_demand(archive):
    archive.put_episodes(2)
    archive.put("odd & <end>.mp3", b"This is no audio. " * 100)
    archive.start_worker()
    heard = archive.folder / "heard"
    with Listener() as listener:
        told = {
            "NIGHTSCRIBE_NOTIFY_COMMAND": writing_to(heard),
            "NIGHTSCRIBE_NOTIFY_WEBHOOK_URL": listener.url,
            "NIGHTSCRIBE_LOGS_LEVEL": "DEBUG",
        }
        night = archive.run("nightly", archive.uri, **told)
        again = archive.run("notify", archive.uri, **told)

    assert (night.returncode, again.returncode) == (1, 0), (night.stderr, again.stderr)
    first, second = (json.loads(line) for line in heard.read_text().splitlines())
    Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(first)
    assert (first["ending"], first["done"], first["failed"]) == ("failed", 2, 1)
    (trouble,) = first["troubles"]
    assert (trouble["key"], trouble["reason"]) == ("odd & <end>.mp3", "not_audio")
    same = (
        "archive",
        "run_id",
        "ending",
        "exit_code",
        "done",
        "failed",
        "left",
        "manifest_uri",
        "report_uri",
        "cost_usd",
    )
    assert {name: second[name] for name in same} == {name: first[name] for name in same}
    assert archive.read(first["report_uri"].removeprefix(archive.uri)).startswith(b"<!")

    assert len(listener.messages) == 2
    said = json.dumps(listener.messages[0])
    assert "odd &amp; &lt;end&gt;.mp3" in said
    assert first["manifest_uri"] in said
    for outcome in (night, again):
        assert "swordfish" not in outcome.stdout + outcome.stderr


def test_a_messenger_that_fails_is_said_and_changes_nothing_else(archive):
    archive.put_episodes(1)
    archive.start_worker()
    with Listener((500, {}, "")) as listener:
        night = archive.run(
            "nightly",
            archive.uri,
            NIGHTSCRIBE_NOTIFY_COMMAND="no-such-program",
            NIGHTSCRIBE_NOTIFY_WEBHOOK_URL=listener.url,
            NIGHTSCRIBE_LOGS_LEVEL="DEBUG",
        )

    assert night.returncode == 0
    assert "The command of notify.command (no-such-program) could not be started" in night.stderr
    assert "The webhook of notify.webhook_url answered HTTP 500" in night.stderr
    assert "swordfish" not in night.stdout + night.stderr
    assert "Traceback" not in night.stderr
