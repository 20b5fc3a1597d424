"""Stands in for all workers and for fal: takes every job off the queue and settles it at once, as `done`.

    python -m bench.settler --report FILE [--hold COUNT --server PORT]

So the dispatcher is what is measured, and never waits for speech. Reads the settings that the dispatcher reads; shows
itself as a worker. With --hold it waits until so many jobs are queued, and notes what S3 was asked up to then. Runs
until SIGTERM, and keeps its report up to date: settled, first_at and last_at (Unix time), cpu_s, requests and areas.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.stand import Counts, asked_of

from pipeline import keys
from pipeline.models import Job, ManifestRow, State
from pipeline.runs.base import WorkerSummary
from pipeline.runs.records import Keys
from pipeline.settings import load_settings
from pipeline.wiring.redis import make_client, make_runs

_AT_ONCE = 500
_PAUSE_S = 0.01
_NOTE_EVERY_S = 0.5


@dataclass(slots=True)
class Report:
    """What was done so far."""

    settled: int = 0
    first_at: float = 0.0
    """When the first job was there, Unix time; 0 before."""
    last_at: float = 0.0
    """When the last row was handed in."""
    cpu_s: float = 0.0
    operations: dict[str, int] | None = None
    """With --hold: the S3 requests that were made before the first job was settled."""
    areas: dict[str, int] | None = None

    def write(self, path: Path) -> None:
        """In one step: whoever reads finds it whole."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        self.cpu_s = usage.ru_utime + usage.ru_stime
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self)), encoding="utf-8")
        new.replace(path)


class Settler:
    """Takes messages and hands in rows, hundreds in one step."""

    def __init__(self, environment: dict[str, str]) -> None:
        """Raises `ConfigurationError` as every other process with these settings."""
        settings = load_settings(environment).settings
        self.client: Any = make_client(settings)
        self._runs = make_runs(settings, self.client)
        self._queue = settings.redis.key_prefix + settings.queue.name
        self._keys = Keys(settings.redis.key_prefix)

    def show(self) -> None:
        """As workers show themselves."""
        self._runs.show_worker(WorkerSummary("bench", slots=_AT_ONCE, busy=0))

    def queued(self) -> int:
        """How many messages wait."""
        return int(self.client.llen(self._queue))

    def step(self) -> int:
        """Settles what is queued, at most some hundreds; how many were outstanding."""
        messages = self.client.rpop(self._queue, _AT_ONCE) or ()
        jobs = [job_in(message) for message in messages]
        return sum(self._settle(run_id, list(batch)) for run_id, batch in groupby(jobs, key=lambda job: job.run_id))

    def _settle(self, run_id: str, jobs: Sequence[Job]) -> int:
        """As pipeline/runs/run_settle.lua does it for one: nothing else may be at work on these jobs."""
        names = self._keys.run(run_id)
        noted = self.client.hmget(names.jobs, [job.job_id for job in jobs])
        wanted = [job for job, there in zip(jobs, noted, strict=True) if there]
        if wanted:
            # One transaction: a job that is neither outstanding nor settled would be taken for a lost one.
            with self.client.pipeline(transaction=True) as transaction:
                transaction.hdel(names.jobs, *(job.job_id for job in wanted))
                transaction.rpush(names.rows, *(row_of(job).model_dump_json() for job in wanted))
                transaction.execute()
        return len(wanted)


def job_in(message: str) -> Job:
    """The job in a message as kombu lays it on the list."""
    (record,), _, _ = json.loads(base64.b64decode(json.loads(message)["body"]))
    return Job.model_validate(record)


def row_of(job: Job) -> ManifestRow:
    """The row of a job that went well."""
    of = job.object
    duration_s = of.size_bytes / 12_000
    return ManifestRow(
        **of.model_dump(),
        state=State.DONE,
        job_id=job.job_id,
        run_id=job.run_id,
        endpoint_id=job.recipe.endpoint_id,
        recipe=job.recipe.hash,
        request_id=f"bench-{job.job_id[:32]}",
        attempts=1,
        duration_s=round(duration_s, 3),
        words=int(duration_s * 2.5),
        language="en",
        speech=True,
        processing_s=round(duration_s / 60, 3),
        sidecar_key=keys.sidecar_key(job.output, of.key),
        sidecar_etag=job.job_id[:32],
        settled_at=datetime.now(UTC),
    )


def _settle_all(settler: Settler, report: Report, path: Path) -> None:
    noted_at = 0.0
    while True:
        now = time.time()
        if now - noted_at >= _NOTE_EVERY_S:
            settler.show()
            report.write(path)
            noted_at = now
        count = settler.step()
        if count:
            report.settled += count
            report.first_at = report.first_at or now
            report.last_at = time.time()
        else:
            time.sleep(_PAUSE_S)


def _hold(settler: Settler, report: Report, count: int, server_port: int) -> None:
    shown_at = 0.0
    while settler.queued() < count:
        if time.time() - shown_at >= _NOTE_EVERY_S:
            settler.show()
            shown_at = time.time()
        time.sleep(_PAUSE_S)
    counts = Counts.of(asked_of(server_port, "GET", "/_counts"))
    report.operations, report.areas = dict(counts.operations), dict(counts.areas)


def main(words: list[str]) -> None:
    """Works until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m bench.settler")
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--hold", type=int, default=0)
    parser.add_argument("--server", type=int, default=0, help="the S3 server's port, for --hold")
    options = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    report = Report()
    with suppress(SystemExit):
        settler = Settler(dict(os.environ))
        settler.show()
        report.write(options.report)
        if options.hold:
            _hold(settler, report, options.hold, options.server)
        _settle_all(settler, report, options.report)
    report.write(options.report)


if __name__ == "__main__":
    main(sys.argv[1:])
