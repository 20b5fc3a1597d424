"""However the owner of a stack ends, none of its processes stays."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import redis

from emulator.stack import Stack
from emulator.stack.background import BackgroundStack, stop_stack
from emulator.stack.folder import owner

pytestmark = pytest.mark.integration

OWNER = """
import json, signal, sys
from pathlib import Path
from emulator.stack import Stack, processes
processes.HAS_DEATH_SIGNAL = sys.argv[2] == "kernel" and processes.HAS_DEATH_SIGNAL
with Stack(Path(sys.argv[1]), engine="scripted") as stack:
    print(json.dumps([server.process.pid for server in (stack.redis, stack.s3, stack.fal)]), flush=True)
    signal.pause()
"""


def pids_of(stack):
    return [server.process.pid for server in (stack.redis, stack.s3, stack.fal)]


def test_after_the_block_all_processes_are_gone(tmp_path, gone):
    with Stack(tmp_path / "stack", engine="scripted") as stack:
        worker = stack.start_worker("w1", 2)
        pids = [*pids_of(stack), worker.pid]

    assert len(pids) == 4
    assert gone(pids)
    assert owner(tmp_path / "stack") is None


@pytest.mark.parametrize(
    ("ending", "tie"), [(signal.SIGINT, "kernel"), (signal.SIGKILL, "kernel"), (signal.SIGKILL, "watcher")]
)
def test_when_the_owner_is_ended_by_a_signal_all_processes_are_gone(tmp_path, gone, ending, tie):
    """Linux ties processes by the kernel; the watcher of other systems works here too, and is tested here."""
    command = [sys.executable, "-c", OWNER, str(tmp_path / "stack"), tie]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as script:
        pids = json.loads(script.stdout.readline())
        script.send_signal(ending)
        script.wait(30)

    assert len(pids) == 3
    assert gone(pids)


def test_a_stack_in_the_background_is_stopped_from_its_folder(tmp_path, gone):
    folder = tmp_path / "stack"
    stack = BackgroundStack(folder, ["--engine", "scripted"], outlives_us=True)
    pid = int(stack.facts["pid"])
    assert stack.environment["REDIS_URL"] in stack.facts["redis"]

    assert stop_stack(folder)

    stack.stop()  # reaps it; it is our child here
    assert gone([pid])
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(stack.environment["REDIS_URL"]) as client:
        client.ping()
    assert not (folder / "env").exists()
    assert not stop_stack(folder)


def test_ctrl_c_in_the_demo_ends_its_stack(tmp_path, gone):
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "emulator", "demo", "--folder", str(folder), "--keep"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as demo:
        deadline = time.monotonic() + 60
        while not (folder / "stack.json").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        stack_pid = owner(folder)
        os.kill(demo.pid, signal.SIGINT)
        output = demo.communicate(timeout=60)[0].decode()

    assert demo.returncode == 130, output
    assert stack_pid is not None
    assert gone([stack_pid])
    assert owner(folder) is None
