"""Tests start our programs by forking one that has loaded everything: a fork does as an interpreter of its own does.

Here, in test_beat.py, test_iam.py, test_query.py, test_watch.py and the chaos trial each program is started as a user
starts it, in the tests of secrets Flower too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from archives import end, eventually

from emulator.stack.ports import free_ports

pytestmark = [pytest.mark.e2e]


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["config", "show"],
        ["limit"],
        ["models"],
        ["notify", "--test"],
        ["retry-failed", "URI"],
        ["status"],
        ["transcribe", "URI/it is not there.mp3"],
        ["nonsense"],
    ],
    ids=" ".join,
)
def test_a_fork_says_what_an_interpreter_of_its_own_says(archive, words):
    words = [word.replace("URI/", archive.uri).replace("URI", archive.uri) for word in words]

    forked = archive.run(*words)
    archive.may_fork = False
    own = archive.run(*words)

    assert (forked.returncode, forked.stdout, forked.stderr) == (own.returncode, own.stdout, own.stderr)
    assert own.stdout + own.stderr


@pytest.mark.parametrize("may_fork", [True, False])
def test_programs_that_stay_end_in_order_and_by_a_kill(archive, may_fork):
    archive.may_fork = may_fork
    (port,) = free_ports(1)

    receiver = archive.start("webhook", "--port", str(port), log="receiver.log")
    worker = archive.start_worker()
    eventually(lambda: " ready." in archive.log(), "the worker consumes")
    eventually(lambda: str(port) in archive.log("receiver.log"), "the receiver listens")

    assert (receiver.poll(), worker.poll()) == (None, None)
    assert len({os.getpid(), receiver.pid, worker.pid}) == 3
    assert end(receiver, signal.SIGKILL) == -signal.SIGKILL
    assert end(worker) == 0, archive.log()
    with pytest.raises(ProcessLookupError):
        os.kill(worker.pid, 0)


def test_a_fork_has_its_own_environment_folder_and_time_zone(archive):
    """And nothing open that belongs to another."""
    forks, module = archive.servers.forks, archive.folder / "telling.py"
    module.write_text(
        "import os, sys, time\n"
        "print(dict(os.environ), os.getcwd(), sys.argv, time.tzname, sys.path[0], __name__)\n"
        "print(sorted(os.listdir('/proc/self/fd')))\n"
    )
    environment = archive.environment | {"TZ": "Asia/Tokyo", "ODD": "ünï\ncode"}
    del environment["HOME"]
    command = [sys.executable, "-m", "telling", "a", ""]
    said = []

    for begin in (forks.spawn, subprocess.Popen):
        with (archive.folder / "said").open("w+b") as file:
            process = begin(command, env=environment, cwd=archive.folder, stdout=file, stderr=file)
            assert process.wait(30) == 0
            said.append(Path(file.name).read_text())

    assert said[0] == said[1]
    assert "'JST'" in said[0]


def test_a_program_that_python_would_start_otherwise_is_not_forked(archive):
    forks, command = archive.servers.forks, [sys.executable, "-m", "pipeline"]

    assert forks.can(command, archive.environment)
    assert not forks.can(command, archive.environment | {"PYTHONPATH": "/elsewhere"})
    assert not forks.can(command, archive.environment | {"LC_ALL": "C"})
    assert not forks.can([sys.executable, "-c", "pass"], archive.environment)
    assert not forks.can(["/bin/true", "-m", "pipeline"], archive.environment)
