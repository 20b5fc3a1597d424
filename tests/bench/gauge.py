"""Runs one program and measures it: `gauge.py REPORT EVERY_S STDOUT PROGRAM ARGUMENT...`, with `python -I -S`.

A small process between whoever measures and what is measured: Linux counts the memory of a process's starter, at the
moment of the start, into that process's own peak. Writes into REPORT, as JSON: began_at and ended_at (Unix time), code,
cpu_s, peak_kb, and rss_kb, a list of [seconds since the start, resident memory] every EVERY_S.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

_TETHER = Path(__file__).parents[2] / "emulator/stack/tether.py"
_BYTES_PER_RSS = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there and in kB here


def main(report: str, every_s: str, stdout: str, *command: str) -> None:
    """Measures `command` from its start to its end; this process's exit code is 0 whatever the program's is."""
    tied = [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid())] if sys.platform == "linux" else []
    samples: list[tuple[float, int]] = []
    has_ended = threading.Event()
    began_at = time.time()
    with Path(stdout).open("wb") as output:
        child = subprocess.Popen([*tied, *command], stdout=output)

    def sample() -> None:
        while not has_ended.wait(float(every_s)):
            samples.append((round(time.time() - began_at, 2), _resident_kb(child.pid)))

    sampler = threading.Thread(target=sample)
    sampler.start()
    code = child.wait()  # without a timeout: Python would look every 50 ms, and see the end so much later
    ended_at, usage = time.time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    has_ended.set()
    sampler.join()
    measured = {
        "began_at": began_at,
        "ended_at": ended_at,
        "code": code,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_kb": usage.ru_maxrss * _BYTES_PER_RSS // 1024,
        "rss_kb": samples,
    }
    Path(report).write_text(json.dumps(measured), encoding="utf-8")


def _resident_kb(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except OSError:  # it has just ended, or there is no /proc
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
