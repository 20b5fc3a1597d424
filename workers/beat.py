"""Celery beat begins the nights: `celery -A workers.app beat`.

Its file remembers the last start. A start that was missed while beat was down is caught up once, when it is back; a
beat that never ran waits for the next.
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from celery.beat import PersistentScheduler

from pipeline.settings import Settings
from workers.schedule import Nightly

NIGHT_TASK = "night"
# A message that no worker takes within this time is for a night that is over: the next start, 23 hours after this one
# at the soonest, brings another, and two would only run one after the other.
_EXPIRES_S = 22 * 3600
# While Redis is away beat keeps trying, or the night would be lost: Celery advances the schedule before it sends.
_UNTIL_SENT = {"max_retries": None, "interval_start": 1.0, "interval_step": 1.0, "interval_max": 10.0}


def nights_queue(settings: Settings) -> str:
    """The queue of nights: apart from episodes, behind a thousand of which a night would wait."""
    return f"{settings.queue.name}-nights"


def queues(settings: Settings) -> dict[str, dict[str, str]]:
    """What a worker consumes when it is not told by -Q; declared as senders declare what they send to by name."""
    names = (settings.queue.name, nights_queue(settings))
    return {name: {"exchange": name, "exchange_type": "direct", "routing_key": name} for name in names}


def beat_options(settings: Settings) -> dict[str, Any]:
    """The part of Celery's configuration that beat reads."""
    archives = settings.night.archives and str(Path(settings.night.archives).absolute())
    night = {
        "task": NIGHT_TASK,
        "schedule": Nightly(settings.night.start, settings.night.time_zone),
        "args": (archives,),
        "options": {
            "queue": nights_queue(settings),
            "argsrepr": archives,
            "kwargsrepr": "",
            "expires": _EXPIRES_S,
            "retry": True,
            "retry_policy": _UNTIL_SENT,
        },
    }
    # Named by its time: beat forgets the last start when that is changed, and does not take a start that was never
    # planned for one that was missed.
    name = f"night at {settings.night.start} {settings.night.time_zone}"
    return {
        "beat_schedule": {name: night} if archives else {},
        "beat_scheduler": NightScheduler,
        "beat_schedule_filename": str(state_file()),
        # There are no results, and without this beat would send a task every night that cleans them up.
        "result_expires": None,
        # After every start: a beat that is killed has not forgotten it.
        "beat_sync_every": 1,
    }


def state_file() -> Path:
    """Where beat remembers the last start, unless `--schedule` says otherwise."""
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return folder / "nightscribe" / "beat"


class NightScheduler(PersistentScheduler):  # type: ignore[misc]  # Celery ships no types
    """Celery's scheduler with a file; it begins only when there is a night to begin and no other beat does."""

    def setup_schedule(self) -> None:
        """Raises `SystemExit` with 2, after a message, when beat cannot do what it is for."""
        if not self.app.conf.beat_schedule:
            _refuse(
                "There is no night to schedule, for night.archives names no file. Write one, as "
                "configs/archives.example.toml shows, and set NIGHTSCRIBE_NIGHT_ARCHIVES to its path, which is the "
                "same for beat and workers."
            )
        file = Path(self.schedule_filename)
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = file.with_name(f"{file.name}.lock").open("w")
        except OSError as error:
            _refuse(f"Beat cannot write {file}: {error.strerror}. Name another file with --schedule.")
        try:
            # Celery takes a file that another beat holds for a damaged one, and removes it.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _refuse(f"Another beat works with {file}. One is enough for all workers; leave it, or stop it first.")
        super().setup_schedule()

    def close(self) -> None:
        """Writes the file and lets go of it."""
        super().close()
        self._lock.close()


def _refuse(message: str) -> NoReturn:
    sys.stderr.write(f"Error: {message}\n")
    raise SystemExit(2)
