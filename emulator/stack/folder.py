"""The one folder of a stack: made private, locked while the stack runs, and emptied only when a stack made it."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from typing import IO

from emulator.stack.processes import StackError

LOCK = "stack.lock"
LOG = "stack.log"  # the output of a stack in the background; survives the emptying, for it is open by then


def take(folder: Path) -> IO[str]:
    """Makes or empties `folder` and locks it for this process; the stack lives as long as the lock is held open.

    Raises `StackError` when a stack runs there, or when it holds files that no stack made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {path.name for path in folder.iterdir()}
    if names - {LOG} and LOCK not in names:
        raise StackError(f"{folder} holds files that no stack made; name an empty folder.")
    lock = (folder / LOCK).open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise StackError(
            f"A stack runs in {folder}; end it with: python -m emulator stack --stop --folder {folder}"
        ) from None
    for path in folder.iterdir():
        if path.name not in (LOCK, LOG):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def owner(folder: Path) -> int | None:
    """The pid of the stack that runs in `folder`; None when there is none. A pid that was reused is never returned."""
    try:
        lock = (folder / LOCK).open("r")
    except FileNotFoundError:
        return None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            # Between taking the lock and writing the pid the file is empty: as good as not yet there.
            return int(lock.read() or 0) or None
    return None
