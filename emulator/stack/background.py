"""A stack in a process of its own: started, waited for and stopped from another one (the demo, `make stop`)."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from emulator.stack import folder as folders
from emulator.stack.processes import OwnedProcess, StackError, tail, without_strangers
from emulator.stack.state import ENV, READY, read_env, read_ready

_START_TIMEOUT_S = 90.0
_STOP_TIMEOUT_S = 40.0  # workers and servers have 15 and 10 seconds before they are killed
_TICK_S = 0.05


class BackgroundStack:
    """`python -m emulator stack` in the background. `facts` and `environment` are known once it is up."""

    def __init__(self, folder: Path, arguments: Sequence[str] = (), *, outlives_us: bool = False) -> None:
        """Starts it and waits until it is up. Raises `StackError` with its output when it does not come up.

        With `outlives_us` it goes on when this process ends; otherwise it ends with it, whatever happens.
        """
        self.folder = folder.absolute()
        if folders.owner(self.folder):
            raise StackError(
                f"A stack runs in {folder}; end it with: python -m emulator stack --stop --folder {folder}"
            )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._log = self.folder / folders.LOG
        self._log.unlink(missing_ok=True)
        (self.folder / READY).unlink(missing_ok=True)
        environment = without_strangers(os.environ)
        if url := os.environ.get("REDIS_URL"):
            environment["REDIS_URL"] = url
        command = [sys.executable, "-m", "emulator", "stack", "--folder", str(self.folder), *arguments]
        self._owned = OwnedProcess(command, environment=environment, log=self._log, tied=not outlives_us)
        try:
            self.facts = self._wait_until_up()
            self.environment = read_env(self.folder / ENV)
        except BaseException:
            self.stop()
            raise

    def process_environment(self) -> dict[str, str]:
        """The whole environment for a process that uses the stack."""
        return without_strangers(os.environ) | self.environment

    def stop(self) -> None:
        """Ends the stack and waits until everything of it is gone. Idempotent."""
        self._owned.terminate()
        self._owned.wait(_STOP_TIMEOUT_S)

    def _wait_until_up(self) -> dict[str, str]:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            if (facts := read_ready(self.folder)) is not None:
                return facts
            if self._owned.popen.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"The stack did not come up; {self._log} says:\n{tail(self._log)}")
            time.sleep(_TICK_S)


def stop_stack(folder: Path) -> bool:
    """Ends the stack that runs in `folder`, whoever started it, and waits for its end. False when there is none."""
    pid = folders.owner(folder)
    if pid is None:
        return False
    for request in (signal.SIGTERM, signal.SIGKILL):  # its servers end with it either way
        with suppress(ProcessLookupError):
            os.kill(pid, request)
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while folders.owner(folder) == pid and time.monotonic() < deadline:
            time.sleep(_TICK_S)
        if folders.owner(folder) != pid:
            return True
    raise StackError(f"The stack with process id {pid} does not end, not even by force.")
