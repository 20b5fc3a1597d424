"""The embedded stack: Redis, S3 and the fal emulator on free loopback ports, all data under one folder.

For tests, the demo and a laptop; production never starts a server. `with Stack(folder) as stack:` ends everything on
the way out, and the kernel ends everything when this process dies without a way out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from emulator.stack import folder as folders
from emulator.stack.fal import Engine, FalServer
from emulator.stack.processes import OwnedProcess, without_strangers
from emulator.stack.redis import ExistingRedis, RedisServer
from emulator.stack.s3 import REGION, S3Server

_WORKER_STOP_TIMEOUT_S = 15.0  # a worker hands its jobs over within seconds


class Stack:
    """The servers and the workers started beside them. Members `redis`, `s3` and `fal` can be stopped, killed, started.

    Start it from a thread that lives as long as the stack: Linux ends the servers with the thread that started them.
    """

    fal: FalServer | None

    def __init__(
        self,
        folder: Path,
        engine: Engine = "whisper",
        concurrency: int = 2,
        fal_options: Sequence[str] = (),
        *,
        with_fal: bool = True,
    ) -> None:
        """`concurrency` is the emulated account's limit at fal. What a stack left in `folder` before is removed."""
        self.folder = Path(folder).absolute()
        self.workers: dict[str, OwnedProcess] = {}
        self._engine: Engine = engine
        self._concurrency = concurrency
        self._fal_options = fal_options
        self._with_fal = with_fal
        self._lock: IO[str] | None = None

    def start(self) -> None:
        """Starts all servers and waits until they answer. Raises `StackError`, and then leaves nothing running."""
        self._lock = folders.take(self.folder)
        self.fal = None
        try:
            url = os.environ.get("REDIS_URL")
            self.redis = ExistingRedis(url) if url else RedisServer(self.folder)
            self.redis.launch()
            self.s3 = S3Server(self.folder)
            self.s3.launch()
            if self._with_fal:
                engine, options = self._engine, self._fal_options
                self.fal = FalServer(self.folder, engine=engine, concurrency=self._concurrency, options=options)
                self.fal.launch()
            for server in self._servers():
                server.wait_until_ready()
        except BaseException:  # Ctrl-C during the start, too
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the workers first, so that they can hand over, then all servers at once. Idempotent."""
        for worker in self.workers.values():
            worker.terminate()
        for worker in self.workers.values():
            worker.wait(_WORKER_STOP_TIMEOUT_S)
        self.workers.clear()
        for server in self._servers():
            server.terminate()
        for server in self._servers():
            server.stop()
        if self._lock:
            self._lock.close()
            self._lock = None

    @property
    def fal_url(self) -> str:
        """In place of https://queue.fal.run."""
        if self.fal is None:
            raise LookupError("This stack was started without the fal emulator.")
        return self.fal.url

    @property
    def redis_url(self) -> str:
        """For broker, permits and run state."""
        return self.redis.url

    @property
    def s3_url(self) -> str:
        """The S3 endpoint."""
        return self.s3.url

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the command line and the workers need; some are secret."""
        variables = {
            "NIGHTSCRIBE_PROFILE": "local",
            "REDIS_URL": self.redis_url,
            "AWS_ENDPOINT_URL": self.s3_url,
            "AWS_ACCESS_KEY_ID": self.s3.access_key,
            "AWS_SECRET_ACCESS_KEY": self.s3.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
        if isinstance(self.redis, ExistingRedis):
            variables["NIGHTSCRIBE_REDIS_KEY_PREFIX"] = self.redis.key_prefix
        if self.fal is not None:
            variables |= {
                "FAL_KEY": self.fal.key,
                "NIGHTSCRIBE_FAL_QUEUE_URL": self.fal_url,
                "NIGHTSCRIBE_FAL_PLATFORM_URL": self.fal_url,
                "NIGHTSCRIBE_FAL_REST_URL": self.fal_url,
            }
        return variables

    def process_environment(self, **extra: str) -> dict[str, str]:
        """The whole environment for a process that uses the stack: ours, without real accounts, and `environment`."""
        return without_strangers(os.environ) | self.environment | extra

    def start_worker(self, name: str, slots: int, **env: str) -> subprocess.Popen[bytes]:
        """Starts one worker process, logging to `logs/worker-NAME.log`; does not wait until it takes jobs.

        `env` is added to its environment. It ends with the stack, or earlier by a signal to the returned process.
        """
        options = f"--pool threads --concurrency {slots} --without-mingle --without-gossip --loglevel WARNING"
        command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", *options.split(), "-n", f"{name}@%h"]
        log = self.folder / "logs" / f"worker-{name}.log"
        worker = OwnedProcess(command, environment=self.process_environment(**env), log=log)
        if name in self.workers:
            self.workers.pop(name).wait(_WORKER_STOP_TIMEOUT_S)
        self.workers[name] = worker
        return worker.popen

    def _servers(self) -> list[RedisServer | ExistingRedis | S3Server | FalServer]:
        found = [getattr(self, name, None) for name in ("redis", "s3", "fal")]
        return [server for server in found if server is not None]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
