"""Starts programs under the gauge, and tells what they took."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.stack.processes import OwnedProcess, tail

_GAUGE = str(Path(__file__).with_name("gauge.py"))
_SAMPLE_S = 1.0


class MeasuringError(Exception):
    """What was to be measured did not work, so that there is nothing to tell; the message says what."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one program took, from its start to its end."""

    began_at: float
    """Unix time, as `ended_at`."""
    ended_at: float
    cpu_s: float
    peak_mb: float
    """The most resident memory of the process, in 10**6 bytes."""
    rss_mb: tuple[tuple[float, float], ...]
    """Every second: seconds since the start, resident memory."""
    stdout: Path

    @property
    def wall_s(self) -> float:
        """From start to end."""
        return self.ended_at - self.began_at


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    keep_output: bool = True,
    meanwhile: Callable[[], object] = lambda: None,
) -> Measured:
    """Runs a program to its end; `meanwhile` is called every second. Its errors go to a log in `folder`.

    Raises `MeasuringError` with the log's end when it does not end with 0.
    """
    folder.mkdir(parents=True, exist_ok=True)
    report, log = folder / "report.json", folder / "log"
    stdout = folder / "stdout" if keep_output else Path("/dev/null")
    report.unlink(missing_ok=True)
    gauge = [sys.executable, "-I", "-S", _GAUGE, str(report), str(_SAMPLE_S), str(stdout)]
    process = OwnedProcess([*gauge, *command], environment=environment, log=log)
    try:
        while not _has_ended(process):
            meanwhile()
    finally:
        process.wait(0)
    found: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {"code": "no report"}
    if found["code"] != 0:
        raise MeasuringError(f"{' '.join(command)} ended with {found['code']}; {log} says:\n{tail(log)}")
    return Measured(
        began_at=found["began_at"],
        ended_at=found["ended_at"],
        cpu_s=found["cpu_s"],
        peak_mb=_megabytes(found["peak_kb"]),
        rss_mb=tuple((at_s, _megabytes(kilobytes)) for at_s, kilobytes in found["rss_kb"]),
        stdout=stdout,
    )


def _has_ended(process: OwnedProcess) -> bool:
    try:
        process.popen.wait(_SAMPLE_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _megabytes(kilobytes: int) -> float:
    return round(kilobytes * 1024 / 1e6, 1)
