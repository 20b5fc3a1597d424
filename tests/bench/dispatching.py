"""`nightscribe backfill` with the jobs' end simulated: the dispatcher under the gauge, a Valkey, and the settler."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from bench.measuring import Measured, MeasuringError, measure
from bench.stand import REPOSITORY, ArchiveServer

from emulator.stack.processes import OwnedProcess
from emulator.stack.redis import RedisServer

_END_WITHIN_S = 10.0
# As near as the S3 server, for a fal that is far away could not fetch from there; nobody asks it anything.
_NO_FAL = {"NIGHTSCRIBE_FAL_QUEUE_URL": "http://127.0.0.1:9"}


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What a whole run took."""

    dispatcher: Measured
    settler: Mapping[str, Any]
    """Its report: the fields of `bench.settler.Report`."""
    manifest: Mapping[str, Any]
    """The run's manifest, as the command prints it."""
    redis_peak_mb: float
    redis_mb: tuple[tuple[float, float], ...]
    """Every second: seconds since the dispatcher's start, memory in use."""

    @property
    def enqueueing_s(self) -> float:
        """From the dispatcher's start to the last job's end: planning, enqueueing, and rows back."""
        return float(self.settler["last_at"]) - self.dispatcher.began_at

    @property
    def finishing_s(self) -> float:
        """From the last job's end to the dispatcher's: the last rows, and the manifest."""
        return self.dispatcher.ended_at - float(self.settler["last_at"])


def dispatch(server: ArchiveServer, bucket: str, folder: Path, *, jobs: int, hold: int = 0) -> Dispatched:
    """Backfills the bucket; the settler holds back until `hold` jobs are queued.

    Raises `MeasuringError` unless the run ends well with exactly `jobs` jobs settled.
    """
    shutil.rmtree(folder, ignore_errors=True)  # a Valkey would go on with the run that an earlier one has left there
    folder.mkdir(parents=True)
    valkey = RedisServer(folder)
    valkey.start()
    try:
        environment = server.environment() | server.variables() | {"REDIS_URL": valkey.url} | _NO_FAL
        report = folder / "settler.json"
        settler = OwnedProcess(_settler(report, hold, server.port), environment=environment, log=folder / "settler.log")
        memory = _Memory(valkey)
        try:
            dispatcher = measure(
                [sys.executable, "-m", "pipeline", "backfill", f"s3://{bucket}/", "--json"],
                environment | {"PYTHONPATH": str(REPOSITORY)},
                folder / "dispatcher",
                meanwhile=memory.look,
            )
        finally:
            settler.terminate()
            settler.wait(_END_WITHIN_S)
        peak_mb = memory.peak_mb()
    finally:
        valkey.kill()
        shutil.rmtree(valkey.folder, ignore_errors=True)  # gigabytes of its log, after a million jobs
    settled = json.loads(report.read_text())
    manifest = json.loads(dispatcher.stdout.read_text())
    if settled["settled"] != jobs or manifest["this_run"]["by_state"].get("done") != jobs:
        raise MeasuringError(
            f"{jobs} jobs were to be done; {settled['settled']} were settled, and the manifest counts "
            f"{manifest['this_run']['by_state']} in this run."
        )
    seen = tuple((round(at - dispatcher.began_at, 2), used_mb) for at, used_mb in memory.seen)
    return Dispatched(dispatcher, settled, manifest, peak_mb, seen)


class _Memory:
    """What Valkey uses, looked at now and then."""

    def __init__(self, valkey: RedisServer) -> None:
        self._port = valkey.port
        self.seen: list[tuple[float, float]] = []

    def look(self) -> None:
        found = self._info()
        self.seen.append((round(found["at"], 1), found["used_mb"]))

    def peak_mb(self) -> float:
        return self._info()["peak_mb"]

    def _info(self) -> dict[str, float]:
        with redis.Redis(port=self._port) as client:
            memory = client.info("memory")
            seconds, microseconds = client.time()
        return {
            "at": seconds + microseconds / 1e6,
            "used_mb": round(memory["used_memory"] / 1e6, 2),
            "peak_mb": round(memory["used_memory_peak"] / 1e6, 2),
        }


def _settler(report: Path, hold: int, server_port: int) -> list[str]:
    options = ["--report", str(report), "--hold", str(hold), "--server", str(server_port)]
    return [sys.executable, "-m", "bench.settler", *options]
