"""Redis is killed and comes back while a task runs and slots are free: Celery 5.7.0 exits then, our worker goes on.

The control shows that the fault is there, so that this test is known to be able to fail (docs/adr/0004).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import builders
import celery
import pytest
from archives import PATIENCE_S, end, eventually
from celery import Celery

from emulator.stack.processes import without_strangers
from emulator.stack.redis import RedisServer
from pipeline.queue.celery import make_sender

pytestmark = [pytest.mark.integration]

HERE = Path(__file__).parent
DROPS = 3  # the fault needs the worker to be waiting for a message at that very moment, which it nearly always is
CONTROL_DROPS = 20  # nearly: on a busy machine it may be saved a few times before it falls


@dataclass
class Worker:
    """A worker process with four slots, the server that it hangs on, and a sender of tasks."""

    process: subprocess.Popen[bytes]
    server: RedisServer
    sender: Celery
    queue: str
    folder: Path

    @property
    def log(self):
        return (self.folder / "worker.log").read_text()

    @property
    def has_ended(self):
        """Whether it has given up; the process itself ends only when the task that runs does."""
        return self.process.poll() is not None or "Unrecoverable" in self.log

    def send(self, task, path):
        self.sender.send_task(task, args=(str(path),), queue=self.queue)

    def consumes(self, name):
        """Whether a new task is done; False when the worker has ended instead."""
        self.send("mark", self.folder / name)
        eventually(lambda: self.has_ended or (self.folder / name).exists(), f"{name} is done")
        return not self.has_ended

    def drop_redis(self):
        """Kills the server, waits until the worker has noticed, and starts the server again."""
        noticed = self.log.count("onnection")
        self.server.kill()
        eventually(lambda: self.has_ended or self.log.count("onnection") > noticed, "the worker notices")
        self.server.start()


@pytest.fixture
def start(tmp_path):
    """Starts a worker of this app with one task running, and ends everything with the test."""
    server, workers = RedisServer(tmp_path), []
    server.start()

    def start_worker(kind):
        ours = builders.settings(REDIS_URL=server.url)
        sender = make_sender(ours.redis) if kind == "ours" else Celery(broker=server.url, set_as_current=False)
        queue = ours.queue.name if kind == "ours" else "celery"
        paths = os.pathsep.join([str(HERE), str(HERE.parents[1])])
        variables = {"DROP_APP": kind, "REDIS_URL": server.url, "FAL_KEY": "id:secret", "PYTHONPATH": paths}
        # Nothing of S3 or fal is called; the addresses make sure of it.
        variables |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "NIGHTSCRIBE_FAL_QUEUE_URL": "http://127.0.0.1:9"}
        variables |= {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "us-east-1"}
        options = "--pool threads --concurrency 4 --without-mingle --without-gossip --loglevel INFO"
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "drop_apps", "worker", "-n", "w@h", *options.split()],
                env=without_strangers(os.environ) | variables,
                cwd=tmp_path,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        worker = Worker(process, server, sender, queue, tmp_path)
        workers.append(worker)
        worker.send("hold", tmp_path)
        eventually(lambda: worker.has_ended or (tmp_path / "begun").exists(), "a task runs")
        assert not worker.has_ended, worker.log
        assert worker.consumes("before")
        return worker

    yield start_worker
    for worker in workers:
        worker.process.kill()
        worker.process.wait()
        worker.sender.close()
    server.kill()


def test_our_worker_survives_a_redis_that_is_killed_while_a_task_runs_and_slots_are_free(start):
    worker = start("ours")

    for number in range(DROPS):
        worker.drop_redis()
        assert worker.consumes(f"after-{number}"), worker.log
    (worker.folder / "release").touch()
    eventually((worker.folder / "ended").exists, "the task that was running ends")

    # Celery itself calls an end by Ctrl-C a failure.
    assert end(worker.process, signal.SIGINT) == 0, worker.log
    assert "Unrecoverable" not in worker.log


@pytest.mark.skipif(celery.__version__ != "5.7.0", reason="the fault is of Celery 5.7.0; see docs/adr/0004")
def test_a_plain_celery_5_7_0_does_not_survive_it(start):
    """The control. If this fails, the cure in workers/app.py has become needless, or this test blind."""
    worker = start("plain")

    for number in range(CONTROL_DROPS):
        worker.drop_redis()
        if not worker.consumes(f"after-{number}"):
            break
    (worker.folder / "release").touch()

    assert worker.process.wait(PATIENCE_S) == 1, worker.log
    assert "AttributeError" in worker.log
    assert "'hostname'" in worker.log
