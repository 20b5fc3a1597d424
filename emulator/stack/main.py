"""`python -m emulator stack`: the embedded stack in the foreground, until Ctrl-C; or the end of one that runs."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from emulator.stack.background import stop_stack
from emulator.stack.processes import StackError
from emulator.stack.redis import ExistingRedis
from emulator.stack.s3 import BUCKET
from emulator.stack.stack import Stack
from emulator.stack.state import ENV, clear, write_env, write_ready

_WATCH_EVERY_S = 0.5


def run(argv: list[str]) -> int:
    """Runs or stops a stack. 0 when it was ended by a signal or stopped, 1 when a server failed."""
    options = _parser().parse_args(argv)
    try:
        if options.stop:
            found = stop_stack(options.folder)
            _say(f"Stopped the stack in {options.folder}." if found else f"No stack is running in {options.folder}.")
            return 0
        return _run(options)
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m emulator stack",
        description="Redis, S3 and an emulation of fal on loopback ports, in an emptied folder.",
    )
    parser.add_argument("--folder", type=Path, default=Path(".demo"), help="holds all data and logs (.demo)")
    parser.add_argument("--env-file", type=Path, help="where to write the variables to source (FOLDER/env)")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="start N worker processes too (0)")
    parser.add_argument("--slots", type=int, default=16, help="jobs that one worker holds (16)")
    parser.add_argument("--engine", choices=["whisper", "scripted"], default="whisper", help="what recognises speech")
    parser.add_argument("--concurrency", type=int, default=2, help="requests in progress at the emulated fal (2)")
    parser.add_argument(
        *("--fal-option",),
        action="append",
        default=[],
        metavar="WORD",
        help="a further word for the emulator; repeatable",
    )
    parser.add_argument("--stop", action="store_true", help="end the stack that runs in the folder")
    return parser


def _run(options: argparse.Namespace) -> int:
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    began = time.monotonic()
    env_file = options.env_file or options.folder / ENV
    stack = Stack(options.folder, options.engine, options.concurrency, options.fal_option)
    env_files = {env_file.absolute(), stack.folder / ENV}  # the second is where `BackgroundStack` looks
    try:
        with stack:
            for number in range(options.workers):
                stack.start_worker(f"local-{number + 1}", options.slots)
            facts = _facts(stack, options)
            for path in env_files:
                write_env(path, stack.environment)
            write_ready(stack.folder, facts)
            _say(*(f"{name:8} {value}" for name, value in facts.items()))
            _say(f"Up in {time.monotonic() - began:.1f} s. In another shell:  set -a; . {env_file}; set +a")
            _say(f"Ctrl-C ends it, or:  python -m emulator stack --stop --folder {options.folder}")
            try:
                _watch(stack)
            finally:
                clear(stack.folder, env_files)
                _ignore_signals()  # the end is short, and a second signal must not cut it
    except KeyboardInterrupt:
        _say("Stopped.")
        return 0


def _watch(stack: Stack) -> NoReturn:
    """Raises `StackError` when a server has ended by itself. A worker may end: that is only said."""
    ended: set[str] = set()
    while True:
        for server in (stack.redis, stack.s3, stack.fal):
            process = server.process if server else None
            if server and process is not None and process.poll() is not None:
                raise StackError(f"{server.name} ended with {process.returncode}; see {stack.folder / 'logs'}.")
        for name, worker in stack.workers.items():
            if name not in ended and worker.popen.poll() is not None:
                ended.add(name)
                _say(f"The worker {name} ended with {worker.popen.returncode}; the servers go on.")
        time.sleep(_WATCH_EVERY_S)


def _facts(stack: Stack, options: argparse.Namespace) -> dict[str, str]:
    """Addresses, without any secret: a Redis URL of the user's may hold a password."""
    own = isinstance(stack.redis, ExistingRedis)
    return {
        "redis": "the server that REDIS_URL names" if own else stack.redis_url,
        "s3": f"{stack.s3_url}  (bucket {BUCKET})",
        "fal": f"{stack.fal_url}  (an emulator; engine {options.engine})",
        "workers": str(options.workers),
        "logs": str(stack.folder / "logs"),
        "pid": str(os.getpid()),
    }


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()
