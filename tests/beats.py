"""Archives with a schedule, and Celery beat, which begins their nights."""

from __future__ import annotations

import json
import shelve
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archives import eventually
from celery.beat import ScheduleEntry

from workers.beat import NIGHT_TASK
from workers.schedule import Nightly

LAST_START = datetime.now(UTC) - timedelta(hours=1)
CLOCK = f"{LAST_START:%H:%M}"


class Night:
    """An archive with a schedule: its file of archives, beat, and beat's memory."""

    def __init__(self, archive):
        self.archive = archive
        self.file = archive.folder / "archives.toml"
        self.file.write_text(f'[[archive]]\nuri = "{archive.uri}"\n')
        self.memory = archive.folder / "state" / "nightscribe" / "beat"
        archive.environment |= {
            "NIGHTSCRIBE_NIGHT_ARCHIVES": str(self.file),
            "NIGHTSCRIBE_NIGHT_START": CLOCK,
            "NIGHTSCRIBE_LOGS_LEVEL": "DEBUG",
        }

    def ran_last(self, moment):
        """Beat remembers this as its last start, as if it had been running then."""
        self.memory.parent.mkdir(parents=True)
        with shelve.open(str(self.memory)) as memory:  # noqa: S301  our own
            entry = ScheduleEntry(
                f"night at {CLOCK} UTC", NIGHT_TASK, last_run_at=moment, schedule=Nightly(CLOCK, "UTC"), args=("old",)
            )
            memory.update(entries={entry.name: entry}, __version__="5.7.0", tz="UTC", utc_enabled=True)

    def start_beat(self, name="beat", awaited=("Waking up",)):
        """Starts beat and waits until it has looked at its schedule and sleeps."""
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "workers.app", "beat"]
        log = self.archive.folder / f"{name}.log"
        beat = self.archive._spawn(command, log.name, {})
        eventually(lambda: any(word in log.read_text() for word in awaited) or beat.poll() is not None, "beat is there")
        return beat

    def starts(self, name="beat"):
        return self.archive.log(f"{name}.log").count("Sending due task")

    def waiting(self):
        return self.archive.redis.llen(f"{self.archive.queue}-nights")

    def message(self):
        """What Flower will show of the one that waits."""
        (text,) = self.archive.redis.lrange(f"{self.archive.queue}-nights", 0, -1)
        headers = json.loads(text)["headers"]
        return {name: headers[name] for name in ("argsrepr", "task", "retries")}

    def children(self):
        """Processes that do the night, of whichever worker."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue
            if b"nightly" in words and str(self.file).encode() in words:
                found.append(int(path.parent.name))
        return found

    def has_manifest(self):
        return "_nightscribe/latest.json" in self.archive.keys("_nightscribe/latest")
