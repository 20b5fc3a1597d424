"""An archive on real servers, with the command line and workers as subprocesses: what a user sees, from outside."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Self

import redis
from botocore.exceptions import BotoCoreError, ClientError
from forking import ForkedProcess, Forks

from emulator.archive.crowd import small_objects
from emulator.stack import Stack
from emulator.stack.ports import free_ports
from emulator.stack.processes import without_strangers

REPOSITORY = Path(__file__).parent.parent
Process = ForkedProcess | subprocess.Popen[bytes]
PATIENCE_S = 90.0  # generous: the machine may be busy; nothing waits this long when all is well


class Servers(Stack):
    """The stack of one test process. The account's limit is high: each test sets its own permits."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "scripted", 16, ["--service-s", "0.4", "--words", "12", "--any-endpoint"])

    def start(self) -> None:
        # A server that CI offers elsewhere must not be flushed or filled by tests.
        os.environ.pop("REDIS_URL", None)
        self._ends = ExitStack()
        self.forks = self._ends.enter_context(Forks(without_strangers(os.environ) | {"PYTHONUNBUFFERED": "1"}))
        super().start()
        # One for all archives: to make it takes longer than what a test asks of it.
        self.client = self._ends.enter_context(closing(self.s3.client()))

    def stop(self) -> None:
        # The data is thrown away, and SeaweedFS sometimes takes ten seconds to end in order.
        if hasattr(self, "s3"):
            self.s3.kill()
        super().stop()
        self._ends.close()


class Archive:
    """A bucket, a Redis key prefix, and the processes started for them; all of them end with the test."""

    def __init__(self, servers: Servers, folder: Path) -> None:
        self.servers = servers
        self.folder = folder
        self.bucket = f"test-{uuid.uuid4().hex[:10]}"
        self.uri = f"s3://{self.bucket}/"
        self.client = servers.client
        self.redis = redis.Redis.from_url(servers.redis_url)
        self.queue = f"{self.bucket}:transcribe"
        self.processes: list[Process] = []
        self.may_fork = True
        """Whether programs are forks of one that has loaded their libraries. For `ps` they all are that one."""
        drafts = folder / "drafts"
        drafts.mkdir(parents=True, exist_ok=True)
        self.environment = servers.process_environment(
            NIGHTSCRIBE_REDIS_KEY_PREFIX=f"{self.bucket}:",
            NIGHTSCRIBE_LIMITS_LEASE_S="3",
            NIGHTSCRIBE_LIMITS_CONCURRENCY="4",
            NIGHTSCRIBE_LIMITS_REGATHER_S="0",
            NIGHTSCRIBE_RUN_RECOVER_EVERY_S="1",
            NIGHTSCRIBE_RUN_PROGRESS_EVERY_S="0.5",
            NIGHTSCRIBE_LOGS_FORMAT="json",
            PYTHONUNBUFFERED="1",
            TMPDIR=str(drafts),  # what a killed process leaves goes with the folder
            XDG_STATE_HOME=str(folder / "state"),  # whoever runs the tests may have asked fal for prices
        )

    def __enter__(self) -> Self:
        self.client.create_bucket(Bucket=self.bucket)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        # SeaweedFS has so many volumes and no more, and each bucket takes some of them.
        with suppress(BotoCoreError, ClientError):  # a test may have ended the server
            for bucket in self.client.list_buckets()["Buckets"]:
                if bucket["Name"].startswith(self.bucket):
                    self.client.delete_bucket(Bucket=bucket["Name"])
        if self.client is not self.servers.client:
            self.client.close()
        self.redis.close()

    # what lies in S3

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def put_episodes(self, count: int, prefix: str = "") -> list[str]:
        """Puts that many small recordings and returns their keys."""
        keys = []
        for key, body in small_objects(count):
            self.put(prefix + key, body)
            keys.append(prefix + key)
        return keys

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def read(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def sidecar(self, key: str) -> dict[str, Any]:
        return json.loads(self.read(f"{key}.transcript.json"))

    def intents(self) -> list[dict[str, Any]]:
        return [json.loads(self.read(key)) for key in self.keys("_nightscribe/intents/")]

    def manifest(self) -> dict[str, Any]:
        return json.loads(self.read(json.loads(self.read("_nightscribe/latest.json"))["manifest_key"]))

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the newest manifest, in its order."""
        manifest = self.manifest()
        folder = f"_nightscribe/runs/{manifest['run_id']}/"
        lines = b"".join(gzip.decompress(self.read(folder + part["name"])) for part in manifest["parts"])
        return [json.loads(line) for line in lines.splitlines()]

    # what fal's emulator says

    def ledger(self) -> dict[str, list[dict[str, Any]]]:
        """The accepted requests and the bills of this archive alone."""
        with urllib.request.urlopen(f"{self.servers.fal_url}/emulator/ledger") as answer:  # noqa: S310  loopback
            whole = json.load(answer)
        ours = f"/{self.bucket}/"
        return {
            book: [line for line in whole[book] if line["audio_path"].startswith(ours)]
            for book in ("accepted", "bills")
        }

    def bills_per_key(self) -> dict[str, int]:
        bills: dict[str, int] = {}
        for bill in self.ledger()["bills"]:
            key = bill["audio_path"].removeprefix(f"/{self.bucket}/")
            bills[key] = bills.get(key, 0) + 1
        return bills

    def in_flight(self) -> int:
        """Requests that fal has accepted and not ended, of all archives of this test process."""
        with urllib.request.urlopen(f"{self.servers.fal_url}/emulator/ledger?rows=0") as answer:  # noqa: S310  loopback
            return json.load(answer)["in_flight"]

    def fault(self, *rules: dict[str, Any]) -> None:
        """Sets the faults for requests of this archive, or of one `key`; none of other tests in this process remain.

        A fault on `history` is met by whoever asks: the question names no audio.
        """
        for rule in rules:
            if rule["on"] == "history":
                continue
            rule["match"] = {"path_contains": f"/{self.bucket}/{rule.pop('key', '')}", **rule.get("match", {})}
        request = urllib.request.Request(  # noqa: S310  loopback
            f"{self.servers.fal_url}/emulator/faults",
            data=json.dumps(list(rules)).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).close()  # noqa: S310  loopback

    # processes

    def run(self, *words: str, timeout_s: float = PATIENCE_S, **env: str) -> subprocess.CompletedProcess[str]:
        """Runs the command to its end."""
        command = [sys.executable, "-m", "pipeline", *words]
        with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
            process = self._begin(command, env, self.folder, output, errors)
            try:
                code = process.wait(timeout_s)
            finally:
                process.kill()
                process.wait()
            for file in (output, errors):
                file.seek(0)
            return subprocess.CompletedProcess(command, code, output.read(), errors.read())

    def start(self, *words: str, log: str = "command.log", **env: str) -> Process:
        """Starts the command in the background; its output goes to the log."""
        return self._spawn([sys.executable, "-m", "pipeline", *words], log, env)

    def start_worker(self, name: str = "w1", slots: int = 8, **env: str) -> Process:
        options = f"--pool threads --concurrency {slots} --without-mingle --without-gossip".split()
        command = [
            sys.executable,
            "-m",
            "celery",
            "--quiet",
            "-A",
            "workers.app",
            "worker",
            "-n",
            f"{name}@%h",
            *options,
        ]
        return self._spawn(command, f"worker-{name}.log", env)

    def start_flower(self, *words: str, **env: str) -> str:
        """Starts Flower with the project's settings, its API open to this test; returns its address once it serves.

        These words come last on its command line.
        """
        (port,) = free_ports(1)
        conf = REPOSITORY / "configs" / "flower.py"
        options = [f"--conf={conf}"] if conf.exists() else []
        # Nothing of it may outlive the test, whatever the settings say.
        options += ["--address=127.0.0.1", f"--port={port}", "--persistent=False", f"--db={self.folder / 'flower'}"]
        command = [sys.executable, "-m", "celery", "-A", "workers.app", "flower", *options, *words]
        process = self._spawn(command, "flower.log", {"FLOWER_UNAUTHENTICATED_API": "true"} | env)
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: process.poll() is not None or _answers(f"{url}/healthcheck"), "Flower serves")
        assert process.poll() is None, self.log("flower.log")
        return url

    def log(self, name: str = "worker-w1.log") -> str:
        return (self.folder / name).read_text()

    def _spawn(self, command: list[str], log: str, env: dict[str, str]) -> Process:
        with (self.folder / log).open("ab") as output:
            process = self._begin(command, env, REPOSITORY, output, output)
        self.processes.append(process)
        return process

    def _begin(self, command: list[str], env: dict[str, str], cwd: Path, stdout: IO[Any], stderr: IO[Any]) -> Process:
        environment, forks = self.environment | env, self.servers.forks
        begin = forks.spawn if self.may_fork and forks.can(command, environment) else subprocess.Popen
        return begin(command, env=environment, cwd=cwd, stdout=stdout, stderr=stderr)


def eventually(question: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Asks until the answer is true, and returns it; fails with `what` when it never is."""
    deadline = time.monotonic() + patience_s
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.05)
    return answer


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url).close()  # noqa: S310  loopback
    except OSError:
        return False
    return True


def end(process: Process, with_signal: signal.Signals = signal.SIGTERM) -> int:
    """Signals a process and waits for its end."""
    process.send_signal(with_signal)
    return process.wait(PATIENCE_S)


def says(outcome: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Fails unless the command ended so, with one error message that has all these words, and without a traceback."""
    said = outcome.stdout + outcome.stderr
    assert outcome.returncode == code, said
    assert "Traceback" not in said
    (message,) = [line for line in outcome.stderr.splitlines() if line.startswith("Error: ")]
    missing = [word for word in words if word not in message]
    assert not missing, (missing, message)


def nothing_was_begun(archive: Archive) -> None:
    """Fails when a refused run has left anything in S3, in the queue, at fal, or among the unfinished runs."""
    assert archive.redis.llen(archive.queue) == 0
    assert archive.ledger()["accepted"] == []
    assert archive.keys("_nightscribe/") == []
    # What `status` lists as unfinished runs: a mistake leaves nothing there that could never be finished.
    assert archive.redis.smembers(f"{archive.bucket}:archives") == set()


def words_of(path: str) -> str:
    """A URL path as the key it stands for."""
    return urllib.parse.unquote(path)


def all_of(rows: Iterable[dict[str, Any]], name: str) -> list[Any]:
    return [row[name] for row in rows]
