"""What the worker processes of test_redis_drop.py load: our app as it is, or a plain one without the cure."""

from __future__ import annotations

import os
import time
from pathlib import Path

from celery import Celery

if os.environ["DROP_APP"] == "ours":
    from workers.app import app
else:
    app = Celery("plain", broker=os.environ["REDIS_URL"])
    app.conf.update(task_acks_late=True, broker_connection_retry_on_startup=True)


@app.task(name="hold")
def hold(folder: str) -> None:
    """Runs until it is released, or half a minute."""
    Path(folder, "begun").touch()
    deadline = time.monotonic() + 30
    while not Path(folder, "release").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    Path(folder, "ended").touch()


@app.task(name="mark")
def mark(path: str) -> None:
    """Shows that the worker consumes."""
    Path(path).touch()
