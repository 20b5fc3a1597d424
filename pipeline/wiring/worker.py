"""What a worker process works with."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.audio.pyav import PyAvProbe
from pipeline.cancellation import CancellationToken
from pipeline.limits.turns import PermitLine
from pipeline.meters import Meters
from pipeline.queue.celery import CeleryQueue
from pipeline.runs.held import HeldLeases
from pipeline.runs.meter_book import MeterBook
from pipeline.runs.notices import Notices
from pipeline.runs.redis import RedisRuns
from pipeline.settings import Settings
from pipeline.storage.s3 import S3Storage
from pipeline.transcribe import Rules, Tools
from pipeline.wiring.queue import open_queue
from pipeline.wiring.redis import (
    make_budget,
    make_client,
    make_leases,
    make_meter_book,
    make_notice_board,
    make_permits,
    make_rate,
    make_runs,
    make_unshown,
)
from pipeline.wiring.speech import open_transcriber
from pipeline.wiring.storage import open_storage


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """The tools of the task, and what the worker itself needs."""

    tools: Tools
    runs: RedisRuns
    queue: CeleryQueue
    storage: S3Storage
    meter_book: MeterBook
    close_redis: Callable[[], None]

    def close(self) -> None:
        """Closes all connections and threads."""
        self.tools.transcriber.close()
        if self.tools.notices is not None:
            self.tools.notices.close()
        self.queue.close()
        self.storage.close()
        self.close_redis()


def open_worker(
    settings: Settings, environment: Mapping[str, str], *, name: str, cancel: CancellationToken
) -> WorkerParts:
    """Everything the task needs. Raises `ConfigurationError` when the fal key is missing."""
    meters = Meters()
    transcriber = open_transcriber(settings, environment, meters)
    client = make_client(settings)
    storage, runs = open_storage(settings), make_runs(settings, client)
    tools = Tools(
        rules=Rules(settings, name, random.Random()),
        storage=storage,
        transcriber=transcriber,
        runs=runs,
        leases=HeldLeases(make_leases(settings, client, owner=name)),
        permits=PermitLine(make_permits(settings, client), cancel, transcriber.is_over),
        rate=make_rate(settings, client),
        budget=make_budget(settings, client),
        probe=PyAvProbe(settings.audio.probe_budget_bytes),
        cancel=cancel,
        now=lambda: datetime.now(UTC),
        notices=Notices(make_notice_board(settings, client)),
        unshown=make_unshown(settings, client),
        meters=meters,
    )
    return WorkerParts(
        tools=tools,
        runs=runs,
        queue=open_queue(settings),
        storage=storage,
        meter_book=make_meter_book(settings, client),
        close_redis=client.close,
    )
