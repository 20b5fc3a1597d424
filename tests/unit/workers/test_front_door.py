"""The child of a worker: what it says is passed on, it is told to stop, and it does not outlive its worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from archives import eventually

from pipeline.cancellation import CancellationToken
from workers import front_door
from workers.front_door import run_front_door

TETHER = Path(front_door.__file__).with_name("tether.py")
HEEDLESS = """
import signal, sys, pathlib, time, os, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "600"])
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Puts a program in the place of the command line: `-m pipeline` finds it in the folder where it is started."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "__init__.py").touch()
    return (tmp_path / "pipeline" / "__main__.py").write_text


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def pids_in(path):
    eventually(lambda: path.exists() and path.read_text(), "the program is there")
    return [int(pid) for pid in path.read_text().split()]


def test_its_words_its_code_and_its_last_lines_are_those_of_the_command(capsys):
    code, lines = run_front_door(["plan", "nowhere"], CancellationToken())

    assert code == 2
    assert lines[-1].startswith("Error: ")
    assert "'nowhere' is no S3 address" in lines[-1]
    assert capsys.readouterr().err.splitlines() == lines


def test_of_a_long_night_only_the_last_lines_are_kept(stand_in, capsys):
    stand_in("for line in range(10_000): print(line)")

    code, lines = run_front_door([], CancellationToken())

    assert (code, lines[-1]) == (0, "9999")
    assert len(lines) <= 12
    assert len(capsys.readouterr().err.splitlines()) == 10_000


def test_it_is_told_to_stop_and_awaited(monkeypatch, stand_in, tmp_path):
    told = []
    terminate = subprocess.Popen.terminate
    monkeypatch.setattr(subprocess.Popen, "terminate", lambda process: (told.append(process.pid), terminate(process)))
    stand_in("""
import signal, sys, pathlib, time
def stop(*_):
    print("stopped in order")
    sys.exit(130)
signal.signal(signal.SIGTERM, stop)
pathlib.Path("there").write_text("there")
time.sleep(600)
""")
    cancel, outcome = CancellationToken(), []
    thread = threading.Thread(target=lambda: outcome.append(run_front_door([], cancel)))
    thread.start()
    eventually((tmp_path / "there").exists, "the program is there")
    cancel.interrupt()  # wakes slots that wait for fal, and is no reason to end a night
    assert told == []

    cancel.cancel()
    thread.join()

    assert len(told) == 1
    assert outcome == [(130, ["stopped in order"])]


def test_one_that_does_not_heed_is_killed_with_its_children(monkeypatch, stand_in, tmp_path):
    monkeypatch.setattr(front_door, "_STOP_WITHIN_S", 0.2)
    stand_in(HEEDLESS)
    cancel, outcome = CancellationToken(), []
    thread = threading.Thread(target=lambda: outcome.append(run_front_door(["pids"], cancel)))
    thread.start()
    pids = pids_in(tmp_path / "pids")

    cancel.cancel()
    thread.join()

    assert outcome == [(-signal.SIGKILL, [])]
    eventually(lambda: not any(map(is_alive, pids)), "all of them end")


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_it_ends_with_its_worker_however_that_ends(tmp_path, platform):
    """The way of other systems, by a pipe, is the same code on this one."""
    seen_as = f"import sys, runpy; sys.platform = {platform!r}; sys.argv.pop(0)"
    as_platform = f"{seen_as}; runpy.run_path(sys.argv[0], {{}}, '__main__')"
    program = f"import os, time; open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    worker = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {as_platform!r}, {str(TETHER)!r}, str(os.getpid()),"
        f" sys.executable, '-c', {program!r}], stdin=subprocess.PIPE, start_new_session=True)\n"
        "time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", worker])
    (pid,) = pids_in(tmp_path / "pid")
    assert is_alive(pid)

    process.kill()
    process.wait()

    eventually(lambda: not is_alive(pid), "the program ends")


def test_a_program_whose_worker_is_gone_already_does_not_begin():
    begun = subprocess.run(
        [sys.executable, TETHER, str(os.getppid()), "/bin/true"], capture_output=True, text=True, check=False
    )

    assert begun.returncode == 1
    assert begun.stderr == "the worker has ended already\n"
