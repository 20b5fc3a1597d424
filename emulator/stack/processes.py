"""Starts and ends processes so that none is ever left behind: own session, tied to this process, log in a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_TETHER = str(Path(__file__).with_name("tether.py"))
_TAIL_BYTES = 4000

# Linux sends the signal when the *thread* that started the process ends, so processes are started from threads that
# live as long as they do. A module constant, so that a test on Linux can take the other way.
HAS_DEATH_SIGNAL = sys.platform == "linux"


class StackError(Exception):
    """Something of the embedded stack did not work; the message says what and where its log is."""


class OwnedProcess:
    """A running program that ends with this process, even after kill -9, unless it was started untied."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], log: Path, tied: bool = True) -> None:
        """Starts `command` (its first word an absolute path) with exactly `environment`, appending output to `log`."""
        watched = [] if HAS_DEATH_SIGNAL or not tied else ["-"]
        with log.open("ab") as output:
            # The pipe is made by Popen, which closes this process's end on exec: no sibling holds it open.
            self.popen = subprocess.Popen(  # noqa: S603  the programs are our own
                tied_to_us(command, *watched) if tied else list(command),
                stdin=subprocess.PIPE if watched else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                start_new_session=True,
            )

    def terminate(self) -> None:
        """Asks the program to end; does not wait."""
        if self.popen.poll() is None:
            self.popen.terminate()

    def wait(self, timeout_s: float) -> None:
        """Waits for the end; after `timeout_s` it is killed. Whatever else is in its session is killed too."""
        try:
            self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.popen.kill()
        with suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError for a group of zombies
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
        if self.popen.stdin:
            self.popen.stdin.close()


def tied_to_us(command: Sequence[str], *words: str) -> list[str]:
    """`command`, ended by the kernel with the calling process; needs `HAS_DEATH_SIGNAL`, or the word `-` and a pipe."""
    return [sys.executable, "-I", "-S", _TETHER, str(os.getpid()), *words, *command]


def without_strangers(environment: Mapping[str, str]) -> dict[str, str]:
    """A copy without what would point a program at a real account, and without proxies for loopback addresses."""
    own = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("AWS_", "FAL_", "NIGHTSCRIBE_")) and name != "REDIS_URL"
    }
    for name in ("NO_PROXY", "no_proxy"):
        own[name] = ",".join(filter(None, [own.get(name), "127.0.0.1", "localhost"]))
    return own


def tail(log: Path) -> str:
    """The end of a log file, for an error message; says so when there is none."""
    try:
        text = log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
    except FileNotFoundError:
        text = ""
    return text or "(the log is empty)"
