"""What the three servers have in common: launch, readiness with a deadline, stop, kill, start again."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from emulator.stack.processes import OwnedProcess, StackError, tail

_READY_TIMEOUT_S = 30.0  # cold starts take one to two seconds; a busy machine may take ten times that
_STOP_TIMEOUT_S = 10.0
_TICK_S = 0.03
_LAUNCHES = 3  # a port can be lost to another process between choosing and binding it; hardly three times


class Server(ABC):
    """A server process on a loopback port. `start()` after `stop()` or `kill()` uses the same port and data."""

    name: str

    def __init__(self, folder: Path) -> None:
        """`folder` must exist; the server's data goes to `folder/NAME`, its output to `folder/logs/NAME.log`."""
        self.folder = folder / self.name
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.log = folder / "logs" / f"{self.name}.log"
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        self._owned: OwnedProcess | None = None
        self._has_been_ready = False
        self.choose_ports()

    @abstractmethod
    def choose_ports(self) -> None:
        """Picks free ports; called again when the first ones were taken in the meantime."""

    @abstractmethod
    def command(self) -> list[str]:
        """Program and arguments, without secrets."""

    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """The server's whole environment."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether this very process (not a stranger on its port) answers."""

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The server's process; None before the first start and after `stop()`."""
        return self._owned.popen if self._owned else None

    def launch(self) -> None:
        """Starts the process without waiting for it."""
        if self._owned is not None:
            self._owned.wait(0)  # reaps one that was killed from outside
        self._owned = OwnedProcess(self.command(), environment=self.environment(), log=self.log)

    def wait_until_ready(self) -> None:
        """Returns once the server answers. Raises `StackError` with the log's tail when it ends or takes 30 s."""
        deadline = time.monotonic() + _READY_TIMEOUT_S
        launches = 1
        while True:
            process = self.process
            if process is None:
                raise StackError(f"{self.name} was stopped while it was starting.")
            if process.poll() is not None:
                if self._has_been_ready or launches == _LAUNCHES:
                    raise StackError(f"{self.name} ended with {process.returncode}; {self.log} says:\n{tail(self.log)}")
                launches += 1
                self.choose_ports()
                self.launch()
            elif self.is_ready():
                self._has_been_ready = True
                return
            elif time.monotonic() > deadline:
                raise StackError(f"{self.name} did not answer within {_READY_TIMEOUT_S:.0f} s:\n{tail(self.log)}")
            time.sleep(_TICK_S)

    def start(self) -> None:
        """Launches and waits until ready."""
        self.launch()
        self.wait_until_ready()

    def terminate(self) -> None:
        """Asks the server to end; `stop()` then waits. Lets several end at the same time."""
        if self._owned:
            self._owned.terminate()

    def stop(self) -> None:
        """Ends the server, by force after ten seconds. Idempotent."""
        if self._owned:
            self._owned.terminate()
            self._owned.wait(_STOP_TIMEOUT_S)
            self._owned = None

    def kill(self) -> None:
        """Ends the server as a crash would (kill -9)."""
        if self._owned:
            self._owned.wait(0)
            self._owned = None
