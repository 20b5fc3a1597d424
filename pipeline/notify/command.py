"""Tells by running a command, with the summary as JSON on its standard input."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from contextlib import suppress
from typing import IO

from pipeline.models import RunEnd
from pipeline.notify.base import Notifier
from pipeline.printable import printable
from pipeline.redaction import redact

_QUOTED = 300  # characters of what a command says at its end, in the sentence that it failed
_LOOKED_AT_BYTES = 16_384  # a secret that is cut is not known as one: so it is taken out of more than is quoted


class CommandNotifier(Notifier):
    """`command` is words as in a shell, of which there is none: no variables, no pipes.

    The command has our environment, and its output goes nowhere but into the sentence when it fails.
    """

    def __init__(self, command: str, *, timeout_s: float) -> None:
        self._words = shlex.split(command)
        self._timeout_s = timeout_s

    def tell(self, end: RunEnd) -> str | None:
        """See `Notifier.tell`. A command that takes too long is killed, with all that it has started."""
        # Files, not pipes: a command need not read what it is told, and what it leaves running holds nothing open.
        with tempfile.TemporaryFile() as told, tempfile.TemporaryFile() as said:
            told.write(end.model_dump_json().encode())
            told.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603  the operator's own command, run without a shell
                    self._words, stdin=told, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
                )
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else "its words hold a zero byte"
                return self._sentence(
                    f"could not be started: {why}. Set it to a program on the PATH, with its arguments"
                )
            try:
                code = process.wait(self._timeout_s)
            except subprocess.TimeoutExpired:
                return self._sentence(
                    f"was killed after {self._timeout_s:g} s (notify.timeout_s). Make it quicker, or let it wait longer"
                )
            finally:
                _end(process)
            return self._sentence(f"ended with {_code(code)}{_last_words(said)}") if code else None

    def _sentence(self, what: str) -> str:
        # Only its name: a webhook's URL among its arguments is a secret.
        return f"The command of notify.command ({printable(redact(self._words[0]))}) {what}."


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills a command that still runs, for it was given up or we are interrupted, with its whole process group."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _code(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code}"


def _last_words(said: IO[bytes]) -> str:
    size = said.seek(0, os.SEEK_END)
    said.seek(max(0, size - _LOOKED_AT_BYTES))
    lines = redact(said.read().decode(errors="replace")).split("\n")
    words = next((line.strip() for line in reversed(lines) if line.strip()), "")[-_QUOTED:]
    return f": {printable(words).rstrip('.')}" if words else ""
