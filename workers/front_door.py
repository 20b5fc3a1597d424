"""The command line as a child of the worker, which may not import it: the same front door that people and cron use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.cancellation import CancellationToken

_TETHER = Path(__file__).with_name("tether.py")
# What runs stop for in order takes a moment; longer than this takes only what hangs.
_STOP_WITHIN_S = 60.0
_LINES_KEPT = 12


def run_front_door(words: Sequence[str], cancel: CancellationToken) -> tuple[int, list[str]]:
    """Runs `nightscribe` with these words to its end: its exit code (negative: a signal) and its last lines.

    What it prints goes to this worker's standard error as it comes. When `cancel` is set, it is told to stop and waited
    for; after a minute it is killed with all that it has started. It ends with this process however that ends.
    """
    # Its own process group: Ctrl-C at the worker's terminal is for the worker, which passes it on in its own way.
    with subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, "-I", "-S", _TETHER, str(os.getpid()), sys.executable, "-m", "pipeline", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        kill = threading.Timer(_STOP_WITHIN_S, _kill, (process,))
        kill.daemon = True

        def stop() -> None:
            process.terminate()
            kill.start()

        forget = _when_cancelled(cancel, stop)
        try:
            lines = _passed_on(process)
            return process.wait(), list(lines)
        finally:
            forget()
            kill.cancel()
            if process.poll() is None:
                _kill(process)


def _passed_on(process: subprocess.Popen[str]) -> deque[str]:
    kept: deque[str] = deque(maxlen=_LINES_KEPT)
    for line in process.stdout or ():
        sys.stderr.write(line)
        kept.append(line.rstrip("\n"))
    return kept


def _when_cancelled(cancel: CancellationToken, act: Callable[[], None]) -> Callable[[], None]:
    """Calls `act` once the token is set; not when it only wakes those who wait at this moment."""
    forget: Callable[[], None]

    def heed() -> None:
        nonlocal forget
        if cancel.is_cancelled:
            act()
        else:
            forget = cancel.on_cancel(heed)

    def forget_the_last() -> None:
        forget()

    forget = cancel.on_cancel(heed)
    return forget_the_last


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
