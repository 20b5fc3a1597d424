"""configs/flower.py, as Flower reads it: what it sets, where Flower keeps what it knows, and how a task is shown."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Flower's options are global to a process, so each reading has one of its own.
_READ = """
import json, sys
from types import SimpleNamespace
from tornado.options import options
import flower.command as command
command.apply_env_options()
command.apply_options("flower", sys.argv[1:])
shown = []
for state, result, exception in json.load(sys.stdin):
    shown.append(options.format_task(SimpleNamespace(state=state, result=result, exception=exception)).result)
said = {name: value for name, value in options.as_dict().items() if isinstance(value, (str, int, list, type(None)))}
print(json.dumps([said, shown]))
"""


def read(tmp_path, *words, tasks=(), **environment):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("FLOWER_", "XDG_"))}
    outcome = subprocess.run(
        [sys.executable, "-c", _READ, f"--conf={ROOT / 'configs' / 'flower.py'}", *words],
        env=clean | {"HOME": str(tmp_path / "home")} | environment,
        input=json.dumps(tasks),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(outcome.stdout)


def test_it_is_read_only_bounded_persistent_and_here_only(tmp_path):
    options, _ = read(tmp_path)

    assert options["read_only"] is True
    assert options["persistent"] is True
    assert options["max_tasks"] == 10_000
    assert options["state_save_interval"] == 60_000
    assert options["address"] == "127.0.0.1"
    assert options["port"] == 5555
    assert options["basic_auth"] == []
    assert options["task_runtime_metric_buckets"][-1] == 1800


@pytest.mark.parametrize(
    ("words", "environment", "expected"),
    [
        ([], {}, "home/.local/state/nightscribe/flower.db"),
        ([], {"XDG_STATE_HOME": "relative"}, "home/.local/state/nightscribe/flower.db"),
        ([], {"XDG_STATE_HOME": "{tmp}/state"}, "state/nightscribe/flower.db"),
        ([], {"XDG_STATE_HOME": "{tmp}/state", "FLOWER_DB": "{tmp}/own/f.db"}, "own/f.db"),
        (["--db={tmp}/said/f.db"], {"FLOWER_DB": "{tmp}/own/f.db"}, "said/f.db"),
    ],
)
def test_what_it_knows_lies_in_a_private_folder_of_this_user_or_where_it_is_told(
    tmp_path, words, environment, expected
):
    here = {name: value.replace("{tmp}", str(tmp_path)) for name, value in environment.items()}
    options, _ = read(tmp_path, *(word.replace("{tmp}", str(tmp_path)) for word in words), **here)

    assert options["db"] == str(tmp_path / expected)
    folder = (tmp_path / expected).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_it_makes_no_folder_when_it_keeps_nothing(tmp_path):
    read(tmp_path, "--persistent=False")

    assert not (tmp_path / "home").exists()


def test_a_task_shows_its_result_or_its_reason_without_python_around_it(tmp_path):
    tasks = [
        ("SUCCESS", "'12 words of 3 s audio'", None),
        ("FAILURE", None, "EpisodeFailedError('failed, not_audio: s3://b/k is \"html\"')"),
        ("RETRY", None, 'EpisodePutOffError("http_500: fal\'s side")'),
        ("RETRY", "'old'", "EpisodePutOffError('rate_limited: later',)"),
        ("FAILURE", None, "EpisodeFailedError('cut off ..."),
        ("STARTED", None, None),
    ]
    _, shown = read(tmp_path, tasks=tasks)

    assert shown == [
        "12 words of 3 s audio",
        'failed, not_audio: s3://b/k is "html"',
        "http_500: fal's side",
        "rate_limited: later",
        "EpisodeFailedError('cut off ...",
        None,
    ]
