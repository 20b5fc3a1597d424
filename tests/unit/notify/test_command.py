"""The command, with real programs."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
from archives import eventually
from run_ends import run_end

from pipeline.models import RunEnd
from pipeline.notify.command import CommandNotifier


def python(text, *words):
    return shlex.join([sys.executable, "-c", text, *(str(word) for word in words)])


def tell(command, timeout_s=20.0, **changes):
    return CommandNotifier(command, timeout_s=timeout_s).tell(run_end(**changes))


def test_it_reads_the_summary_and_gets_its_words_as_they_are(tmp_path):
    copy = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read()); open(sys.argv[2], 'w').write(sys.argv[3])"

    assert tell(python(copy, tmp_path / "told", tmp_path / "word", "$HOME; `id` | cat")) is None

    assert RunEnd.model_validate_json((tmp_path / "told").read_text()) == run_end()
    assert (tmp_path / "word").read_text() == "$HOME; `id` | cat"


def test_one_that_reads_nothing_of_a_long_summary_is_well(tmp_path):
    assert tell("true", message="x" * 1_000_000) is None


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (python("import sys; sys.exit('no mail: relay refused')"), "ended with exit code 1: no mail: relay refused."),
        (python("raise SystemExit(3)"), "ended with exit code 3."),
        (python("import os; os.kill(os.getpid(), 15)"), "ended with signal 15."),
        ("no-such-program --to ops", "(no-such-program) could not be started: No such file or directory."),
        ("/", "could not be started: Permission denied."),
        (python("import sys; print('fine'); sys.exit('X-Amz-Signature=swordfish')"), "X-Amz-Signature=REDACTED"),
    ],
)
def test_a_failure_is_said(command, said):
    sentence = tell(command)

    assert said in sentence
    assert sentence.startswith("The command of notify.command (")


def test_a_secret_that_a_long_line_begins_with_is_not_said_by_its_end():
    signature = "5" * 400
    sentence = tell(python(f"import sys; sys.exit('https://s3/x?X-Amz-Signature={signature}')"))

    assert "55" not in sentence
    assert "REDACTED" in sentence


def test_its_arguments_are_not_said_for_they_may_hold_a_secret():
    assert "swordfish" not in tell(python("raise SystemExit(1)", "swordfish"))


def test_one_that_takes_too_long_is_killed_with_its_children(tmp_path):
    script = f"sleep 600 & echo $! > {tmp_path / 'child'}; wait"

    said = tell(shlex.join(["sh", "-c", script]), timeout_s=1.0)

    assert "was killed after 1 s (notify.timeout_s)" in said
    eventually(lambda: not is_alive(int((tmp_path / "child").read_text())), "the child ends, too")


def test_what_it_leaves_running_in_order_is_not_waited_for():
    assert tell(shlex.join(["sh", "-c", "sleep 30 & exit 0"]), timeout_s=20) is None


def test_the_summary_is_plain_json():
    assert json.loads(run_end().model_dump_json())["ending"] == "done"


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
