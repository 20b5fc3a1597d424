"""Runs a program that cannot outlive its starter, however that ends: `tether.py STARTER_PID [-] PROGRAM ARGUMENT...`.

On Linux the kernel kills it (PR_SET_PDEATHSIG). Elsewhere, told by `-`, a watcher reads a pipe on standard input that
only the starter holds open and kills the whole process group at its end. Either way the program replaces this process
and keeps its pid. Started with `-I -S` by path: it imports nothing of the project, so it costs a few milliseconds.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _tie_to_starter(starter_pid: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # The starter may have died before the call above; then nobody is left to send the signal.
    if os.getppid() != starter_pid:
        sys.exit("the starter has ended already")


def _watch_pipe() -> None:
    pipe = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if os.fork() != 0:
        os.close(pipe)
        return
    # SIGTERM is for the program; the watcher ends with the group.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while os.read(pipe, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Ties this process to its starter and becomes the program."""
    starter_pid, *program = arguments
    if program[0] == "-":
        program = program[1:]
        _watch_pipe()
    else:
        _tie_to_starter(int(starter_pid))
    os.execv(program[0], program)  # noqa: S606  becoming the program, without a shell, is what this file is for


if __name__ == "__main__":
    main(sys.argv[1:])
