"""Options of Flower, the web page about tasks and workers: `celery -A workers.app flower --conf=configs/flower.py`.

Flower reads this file by itself: each name below that is one of its options sets it. It wins over FLOWER_... variables,
except where one is asked for here; words on the command line win over it. A login comes from
FLOWER_BASIC_AUTH=user:password, never from a file.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from pathlib import Path
from typing import Any

from tornado.options import options

# Task arguments name the archive's objects: this machine only, unless FLOWER_ADDRESS or --address says otherwise.
address = options.address or "127.0.0.1"

# A page that can revoke tasks or stop workers needs more care than a page that shows them.
read_only = True

# About 7 KB each: 70 MB for the last ten thousand episodes. Flower's own default of 100,000 takes 0.7 GB.
max_tasks = 10_000

# What Flower knows outlives it, so that a restart in the night loses no row of it. The record of a run is its manifest.
persistent = True
# FLOWER_DB or --db, else beside what else Nightscribe keeps for this user. Flower's default is the folder it starts in.
_STATE = os.environ.get("XDG_STATE_HOME", "")
_FOLDER = Path(_STATE) if _STATE.startswith("/") else Path.home() / ".local" / "state"
db = options.db if options.db != "flower" else str(_FOLDER / "nightscribe" / "flower.db")
# Milliseconds. A Flower that is killed loses a minute. Ten thousand tasks take it 0.7 s, in which it answers nobody.
state_save_interval = 60_000

# Workers in containers come with a new name each time; those that are gone leave the page after an hour.
purge_offline_workers = 3600

# One row per episode. First what a telephone has room for: the arguments read `s3://bucket/key (34.2 MB) with
# fal-ai/whisper`. The name is the same in nearly all rows.
tasks_columns = "state,args,result,runtime,retries,worker,name,received,started,uuid"

_SHOWN = re.compile(r"""(?s)(?:\w+\()?(?P<quote>['"])(?P<text>.*)(?P=quote),?\)?""")


def format_task(task: Any) -> Any:
    """A copy of Flower's record of a task, as pages show it: what came of it, or why it failed, in the same column."""
    said = task.exception if task.state in {"FAILURE", "RETRY"} else task.result
    match = _SHOWN.fullmatch(said or "")
    task.result = (
        match["text"] if match else said
    )  # Celery writes it as Python does: in quotes, an error with its class
    return task


# Seconds. Episodes take minutes; the histogram's own default ends at ten seconds.
task_runtime_metric_buckets = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0]


def _refuse(why: str) -> None:
    sys.stderr.write(f"Error: {why}\n")
    raise SystemExit(2)


def _is_this_machine() -> bool:
    try:
        return ipaddress.ip_address(options.address).is_loopback
    except ValueError:
        return bool(options.unix_socket) or options.address == "localhost"  # "" would be every address


def _look_at_all_options() -> None:
    """Runs once everything is read: this file, the environment, and the command line, which has the last word."""
    logins = [login for login in options.basic_auth or () if login]
    for login in logins:
        user, _, password = login.partition(":")
        if not (user and password):
            _refuse("The login of Flower is not user:password. Set FLOWER_BASIC_AUTH to a user, a colon, a password.")
    options.basic_auth = logins  # an empty variable is no login, and must not lock everybody out
    if not (logins or options.auth or _is_this_machine()):
        _refuse(
            f"Flower would listen on {options.address or 'every address'} without a login, and its pages name every "
            "object of the archive. Set FLOWER_BASIC_AUTH=user:password (in .env for docker compose), or leave "
            "--address and FLOWER_ADDRESS away to listen on this machine only."
        )
    if options.persistent:
        os.umask(0o077)  # the file names objects, and is Python's own format: nobody else may read or write it
        Path(options.db).parent.mkdir(parents=True, exist_ok=True)


options.add_parse_callback(_look_at_all_options)
