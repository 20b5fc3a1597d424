"""The process that `forking.Forks` starts: it loads what our programs load, and becomes one of them in each fork."""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pipeline

# What a command or a worker loads besides `pipeline`, or only once it runs.
_LIBRARIES = [
    "anyio._backends._asyncio",
    "boto3",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.worker",
    "celery.beat",
    "celery.bin.celery",
    "celery.fixups.django",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "httpcore",
    "kombu.transport.redis",
    "rich._emoji_codes",
]


@dataclass
class Server:
    """Forks on request. Every `control` message brings three descriptors: for the status, the output, the errors."""

    control: socket.socket
    running: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> dict[str, Any] | None:
        """Returns `None` at the end of the tests; and in each fork the order of what it is to become."""
        woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which then end this process
        while True:
            ready, _, _ = select.select([self.control, woken], [], [])
            if woken in ready:
                os.read(woken, 4096)
                self._tell_who_has_ended()
            if self.control in ready:
                _, descriptors, _, _ = socket.recv_fds(self.control, 1, 3)
                if not descriptors:
                    return None
                if order := self._fork(*descriptors):
                    os.close(woken)
                    os.close(waker)
                    return order

    def _fork(self, status_fd: int, output: int, errors: int) -> dict[str, Any] | None:
        status = socket.socket(fileno=status_fd)
        with status.makefile("r") as told:
            order: dict[str, Any] = json.load(told)
        pid = os.fork()
        if pid:
            self.running[pid] = status
            os.close(output)
            os.close(errors)
            return None
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, to in ((output, 1), (errors, 2)):
            os.dup2(number, to)
            os.close(number)
        for other in (self.control, *self.running.values()):
            other.close()
        with status:
            status.sendall(f"{os.getpid()}\n".encode())  # signals find a Python as it is when it starts
        return order

    def _tell_who_has_ended(self) -> None:
        while self.running:
            pid, ended = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with self.running.pop(pid) as status, suppress(BrokenPipeError):  # nobody may have waited for it
                status.sendall(f"{os.waitstatus_to_exitcode(ended)}\n".encode())


def load() -> None:
    """Imports everything that is no program itself. Nothing of it may start a thread: a fork has only one."""
    for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in _LIBRARIES:
        importlib.import_module(name)
    assert len(list(Path("/proc/self/task").iterdir())) == 1
    gc.freeze()  # or each fork would look through all of it for garbage at its end, which takes longer than its work


def become(module: str, words: list[str], environment: dict[str, str], folder: str) -> None:
    """Does as `python -m module words` in this folder."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    time.tzset()
    tempfile.tempdir = None
    sys.path[0] = folder
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def leave_whole() -> None:
    """Keeps Python's end from taking each module apart, which takes longer than all that a short command does.

    What can go wrong at the end still can: threads are waited for, callbacks called and outputs flushed as always.
    """
    for name in sys.modules.keys() - {"__main__", "builtins", "sys"}:
        del sys.modules[name]


if __name__ == "__main__":
    atexit.register(leave_whole)  # the first of all, and so the last to be called
    load()
    if order := Server(socket.socket(fileno=int(sys.argv[1]))).serve():
        become(**order)
