"""The processes of a contestant, and a supervisor's care for them: whoever ends is started again."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from emulator.stack.processes import OwnedProcess

_AGAIN_S = 0.3  # as a supervisor of services does: not at once, so that a crash loop is no busy loop
_END_WITHIN_S = 15.0
_PAGE_KB = 4


class Member:
    """One process, under one name for all its lives. It ends with this process, whatever happens."""

    def __init__(
        self, name: str, command: Sequence[str], environment: dict[str, str], log: Path, calls: Callable[[], int]
    ) -> None:
        """`calls` counts what the process has asked of S3, in all its lives."""
        self.name = name
        self.is_wanted = True
        """Whether it is started again when it has ended."""
        self.command = list(command)
        self.codes: Counter[int] = Counter()
        """How its lives have ended, by exit code; a kill counts as -9."""
        self.is_frozen = False
        self._environment = environment
        self._log = log
        self._calls = calls
        self._calls_before = 0
        self._owned: OwnedProcess | None = None
        self._start_at = 0.0

    def tend(self) -> int | None:
        """Starts the process when it does not run; returns the exit code of a life that has just ended."""
        if self._owned is None:
            if self.is_wanted and time.monotonic() >= self._start_at:
                self._calls_before = self._calls()
                self._owned = OwnedProcess(self.command, environment=self._environment, log=self._log)
            return None
        code = self._owned.popen.poll()
        if code is None:
            return None
        self._owned.wait(0)
        self._owned = None
        self.is_frozen = False
        self.codes[code] += 1
        self.wait(_AGAIN_S)
        return code

    def wait(self, seconds: float) -> None:
        """Does not start the process again before that many seconds have passed."""
        self._start_at = time.monotonic() + seconds

    @property
    def is_running(self) -> bool:
        """Whether there is a process now."""
        return self._owned is not None and self._owned.popen.poll() is None

    @property
    def is_at_work(self) -> bool:
        """Whether it runs and has called S3 in this life: to hit it earlier would hit its start."""
        return self.is_running and not self.is_frozen and self._calls() > self._calls_before

    @property
    def memory_kb(self) -> int:
        """Resident memory; 0 when it does not run."""
        if self._owned is None:
            return 0
        try:
            return int(Path(f"/proc/{self._owned.popen.pid}/statm").read_text().split()[1]) * _PAGE_KB
        except (OSError, IndexError):
            return 0

    def killer(self) -> Callable[[], None]:
        """What ends this life as a crash would; safe to call from any thread, also when it has ended already."""
        owned = self._owned
        return lambda: owned.popen.kill() if owned is not None else None

    def freeze(self) -> None:
        """Stops the process in its tracks (SIGSTOP)."""
        if self._owned is not None:
            self._owned.popen.send_signal(signal.SIGSTOP)
            self.is_frozen = True

    def thaw(self) -> None:
        """Lets it go on as if nothing had happened (SIGCONT)."""
        if self._owned is not None and self.is_frozen:
            self._owned.popen.send_signal(signal.SIGCONT)
            self.is_frozen = False

    def end(self) -> None:
        """Ends it for good, in order if it can."""
        if self._owned is not None:
            self.thaw()
            self._owned.terminate()
            self._owned.wait(_END_WITHIN_S)
            self._owned = None


class Crew:
    """Workers, the dispatcher, and a rival of it that is there at times. A context manager: all end with the block."""

    def __init__(self, workers: Sequence[Member], dispatcher: Member, rival: Member | None) -> None:
        self.workers = list(workers)
        self.dispatcher = dispatcher
        self.rival = rival
        if rival is not None:
            rival.is_wanted = False
        self.peaks_kb: dict[str, list[int]] = {"worker": [], "dispatcher": []}
        """The most memory of any one process, per sample."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.end()

    @property
    def members(self) -> list[Member]:
        """Everybody."""
        return [*self.workers, *self.dispatchers]

    def tend(self) -> int | None:
        """Tends everybody; returns the exit code of a dispatcher that has just ended. A rival lives once."""
        for member in self.members:
            if member is not self.dispatcher:
                member.tend()
        if self.rival is not None and self.rival.is_running:
            self.rival.is_wanted = False
        return self.dispatcher.tend()

    def start_rival(self) -> None:
        """Starts a second dispatcher with the same words, if this contestant has one and it does not run already."""
        if self.rival is not None and not self.rival.is_running:
            self.rival.command = self.dispatcher.command
            self.rival.is_wanted = True

    @property
    def hit_as_workers(self) -> list[Member]:
        """Whom an event for a worker may hit: a contestant without workers has only the one process."""
        return self.workers or [self.dispatcher]

    @property
    def dispatchers(self) -> list[Member]:
        """The dispatcher, and its rival if there is one."""
        return [self.dispatcher, *([self.rival] if self.rival else [])]

    def sample_memory(self) -> None:
        """Notes the memory of this moment."""
        self.peaks_kb["worker"].append(max((member.memory_kb for member in self.workers), default=0))
        self.peaks_kb["dispatcher"].append(self.dispatcher.memory_kb)
