"""A running stack for the tests that only look at it, and how to tell that a process is gone."""

import os
import time
from pathlib import Path

import pytest

from emulator.stack import Stack


def is_alive(pid):
    """Zombies do not count: in a container nobody may be there to reap an orphan."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return Path("/proc/self").exists() is False  # no /proc on macOS: the signal above is all there is


def survivors(pids, within_s=60):
    """The processes that are still alive when all are gone or the time is over."""
    deadline = time.monotonic() + within_s
    while (alive := [pid for pid in pids if is_alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


@pytest.fixture
def gone():
    return lambda pids: survivors(pids) == []


@pytest.fixture(scope="session", autouse=True)
def own_redis():
    """These tests are about the server that the stack starts, also where CI offers another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("REDIS_URL", raising=False)
        yield


@pytest.fixture(scope="module")
def stack(tmp_path_factory, own_redis):
    with Stack(tmp_path_factory.mktemp("stack"), engine="scripted", concurrency=3) as running:
        yield running
