"""Programs of ours as processes that need not load their libraries: each is forked from one that has loaded them.

Loading takes nine tenths of what a short command costs. A forked program is otherwise a process like any other: it has
its own pid, environment, folder, output and signals, can be killed, and begins where `python -m MODULE` does.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

_SERVER = Path(__file__).with_name("forking_server.py")
# What Python, the C library and our libraries read before the first line of ours: in a fork that is long ago.
_READ_AT_THE_START = (
    *("PYTHON", "LANG", "LC_", "LD_", "MALLOC_", "TERM", "NO_COLOR", "FORCE_COLOR"),
    *("CELERY_", "KOMBU_", "OTEL_", "PROMETHEUS_"),
)


class ForkedProcess:
    """Has what tests use of `subprocess.Popen`."""

    def __init__(self, args: Sequence[str | Path], status: socket.socket) -> None:
        """`status` tells the pid, and the exit code when there is one, a line each."""
        self.args = list(args)
        self.returncode: int | None = None
        self._status = status
        self._lines = status.makefile("r")
        self.pid = int(self._lines.readline())

    def poll(self) -> int | None:
        """The exit code, negative for a signal; `None` while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and returns the exit code; raises `subprocess.TimeoutExpired` after `timeout` seconds."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Does nothing to a process that has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout_s: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout_s)[0]:
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._status.close()
        return self.returncode


class Forks:
    """The process that has loaded everything, and a way to start programs by it. A context manager."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._control: socket.socket | None = None

    def _server(self) -> socket.socket:
        """The way to the process, which is started when it is asked for first."""
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, str(_SERVER), str(theirs.fileno())],
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                )
        return self._control

    def spawn(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, stdout: IO[Any], stderr: IO[Any]
    ) -> ForkedProcess:
        """Starts `python -m MODULE` with these words, as `subprocess.Popen` would."""
        module, *words = map(os.fspath, command[2:])
        order = json.dumps({"module": module, "words": words, "environment": dict(env), "folder": os.fspath(cwd)})
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._server(), [b"."], [theirs.fileno(), stdout.fileno(), stderr.fileno()])
        ours.sendall(order.encode())
        ours.shutdown(socket.SHUT_WR)
        return ForkedProcess(command, ours)

    def can(self, command: Sequence[str | Path], env: Mapping[str, str]) -> bool:
        """Whether a fork would be what `subprocess.Popen` starts: Python, a module, and the same start of both."""
        is_module = list(command[:2]) == [sys.executable, "-m"]
        return sys.platform == "linux" and is_module and _at_the_start(env) == _at_the_start(self._environment)

    def close(self) -> None:
        """Ends the process that forks; the programs have ended before."""
        if self._control is not None:
            self._control.close()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _at_the_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(_READ_AT_THE_START)}
