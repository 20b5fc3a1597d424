"""Runs a program that does not outlive its worker, however that ends: `tether.py WORKER_PID PROGRAM ARGUMENT...`.

On Linux the kernel tells it to stop (SIGTERM, which ends a run in order) when the worker's slot is gone. Elsewhere a
watcher reads the pipe on standard input, which the worker alone holds open, and does the same at its end. Either way
the program replaces this process and keeps its pid. Started by path with `-I -S`, it imports nothing of the project.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _tie_to(worker_pid: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # The worker may have died before the call above; then nobody is left to send the signal.
    if os.getppid() != worker_pid:
        sys.exit("the worker has ended already")


def _watch_pipe() -> None:
    program_pid = os.getpid()
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if os.fork() != 0:
        os.close(pipe)
        return
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which is for the program
    # What is read here must not end with us only: the program's output is a pipe that the worker reads to its end.
    os.dup2(null, 1)
    os.dup2(null, 2)
    while os.read(pipe, 1):
        pass
    if os.getppid() == program_pid:  # else it has ended, and its number may be another's
        os.kill(program_pid, signal.SIGTERM)
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Ties this process to its worker and becomes the program."""
    worker_pid, *program = arguments
    if sys.platform == "linux":
        _tie_to(int(worker_pid))
    else:
        _watch_pipe()
    os.execv(program[0], program)  # noqa: S606  becoming the program, without a shell, is what this file is for


if __name__ == "__main__":
    main(sys.argv[1:])
