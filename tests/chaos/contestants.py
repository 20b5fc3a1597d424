"""Who is put to the test: what it runs, with which settings, and when it has done all it can."""

from __future__ import annotations

import gzip
import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaos.sizes import Size
from chaos.stand import BUCKET, REPOSITORY, Stand

SIDECAR = ".transcript.json"
LEASE_S = 3.0
_UNRESOLVED = frozenset({"uncertain", "pending"})
_STUBBORN_S = 60.0
"""What has not changed for so long is left as it is: several times as long as a presigned URL opens."""
_EXIT_DONE, _EXIT_SOME_FAILED, _EXIT_BUDGET, _EXIT_RUN_ACTIVE = 0, 1, 3, 5


@dataclass(frozen=True, slots=True)
class Again:
    """Run the dispatcher again after that many seconds."""

    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Over:
    """There is nothing more to do."""


class Contestant(ABC):
    """A way to transcribe an archive: workers that run all the time, and a dispatcher that is run until all is done."""

    name: str
    workers: int
    has_rival = False
    """Whether it promises to bear a second dispatcher beside the first one."""

    def __init__(self, stand: Stand) -> None:
        self.stand = stand
        self.ceilings: list[tuple[float, float | None]] = []
        """From when on (seconds since the epoch) how many seconds of audio may be billed; None is no ceiling."""

    def environment(self) -> dict[str, str]:
        """What its processes need besides the servers' addresses."""
        return {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"}

    def worker(self, name: str) -> list[str]:
        """The command of a worker."""
        raise NotImplementedError

    @abstractmethod
    def dispatcher(self) -> list[str]:
        """The command that has the whole archive transcribed; asked anew before each start."""

    @abstractmethod
    def after(self, code: int) -> Again | Over:
        """What to do when the dispatcher has ended with this code."""


class Nightscribe(Contestant):
    """Celery workers and `backfill`, as in production, but with short leases and small batches."""

    name = "nightscribe"
    has_rival = True

    def __init__(self, stand: Stand, ceilings_h: Sequence[float] = ()) -> None:
        """`ceilings_h` are the budgets that the run is given, one after the other; then it has none."""
        super().__init__(stand)
        self.workers = stand.size.workers
        self.ceilings_h = list(ceilings_h)
        self._unresolved: set[str] = set()
        self._unresolved_since = 0.0
        self.refused: list[str] = []
        """Exit codes that should not have been."""

    def environment(self) -> dict[str, str]:
        """Times are tens of times shorter than the defaults; their order is the same."""
        return super().environment() | {
            f"NIGHTSCRIBE_{name}": str(value) for name, value in _settings(self.stand.size).items()
        }

    def worker(self, name: str) -> list[str]:
        """As `make worker` does."""
        options = f"--pool threads --concurrency {self.stand.size.slots} --without-mingle --without-gossip"
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "workers.app", "worker"]
        return [*celery, *options.split(), "-n", f"{name}@%h"]

    def dispatcher(self) -> list[str]:
        """The command, with the budget that is in force."""
        ceiling_h = self.ceilings_h[0] if self.ceilings_h else None
        ceiling_s = None if ceiling_h is None else ceiling_h * 3600
        if not self.ceilings or self.ceilings[-1][1] != ceiling_s:
            self.ceilings.append((time.time(), ceiling_s))
        ceiling = [] if ceiling_h is None else ["--max-audio-hours", f"{ceiling_h:.6f}"]
        return [sys.executable, "-m", "pipeline", "backfill", f"s3://{BUCKET}/", *ceiling]

    def after(self, code: int) -> Again | Over:
        """A run is over when its manifest leaves nothing that a further run would still change."""
        if code in (_EXIT_DONE, _EXIT_SOME_FAILED):
            # A run that fails by a fault of its own exits with 1 too, and has written no manifest.
            return Over() if self._is_settled() else Again(1.0)
        if code == _EXIT_BUDGET:
            if not self.ceilings_h:
                self.refused.append("exit 3 without a budget")
                return Over()
            self.ceilings_h.pop(0)
            return Again()
        if code == _EXIT_RUN_ACTIVE:
            return Again(1.5)
        return Again(0.3)  # it was killed, or a service was away

    def _is_settled(self) -> bool:
        """Whether a further run would change nothing: by what the manifest says, or by how long it has not changed."""
        unresolved = self._unresolved_keys()
        if unresolved is None:
            return False
        if unresolved != self._unresolved:
            self._unresolved, self._unresolved_since = unresolved, time.monotonic()
        return not unresolved or time.monotonic() - self._unresolved_since > _STUBBORN_S

    def _unresolved_keys(self) -> set[str] | None:
        """By the newest manifest; None without one."""
        latest = self.stand.read("_nightscribe/latest.json")
        key = json.loads(latest[0])["manifest_key"] if latest else ""
        manifest = self.stand.read(key) if key else None
        if manifest is None:
            return None
        found = set()
        for part in json.loads(manifest[0])["parts"]:
            body = self.stand.read(f"{key.rpartition('/')[0]}/{part['name']}")
            rows = map(json.loads, gzip.decompress(body[0]).splitlines()) if body else ()
            found |= {row["key"] for row in rows if _is_unresolved(row)}
        return found


def _is_unresolved(row: dict[str, Any]) -> bool:
    return row["state"] in _UNRESOLVED or (row["state"] == "failed" and not row["permanent"])


class _Peer(Contestant):
    """A script around fal's own client. It passes over what has a transcript, and is run until that changes nothing."""

    idle_passes: int
    """So many passes in a row must have changed nothing: one may fail by bad luck alone."""

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        self._had = -1
        self._idle = 0

    def environment(self) -> dict[str, str]:
        """The same number of requests at once as Nightscribe's permits."""
        at_once = round(self.stand.size.concurrency * 1.5)
        return super().environment() | {"PEER_AT_ONCE": str(at_once), "FAL_URL": self.stand.stack.fal_url}

    def after(self, code: int) -> Again | Over:
        """Done when every good object has its transcript, or several whole passes have added none."""
        if code != 0:
            return Again(0.3)
        has = sum(1 for key in self.stand.listed() if key.endswith(SIDECAR))
        self._idle = self._idle + 1 if has == self._had else 0
        self._had = has
        return Over() if has == self.stand.size.objects or self._idle == self.idle_passes else Again(0.3)


class FalClientScript(_Peer):
    """fal's client in an asyncio script with a semaphore: one process, no workers."""

    name = "fal_client in a script"
    workers = 0
    idle_passes = 10

    def dispatcher(self) -> list[str]:
        """The script."""
        return [sys.executable, str(Path(__file__).with_name("peer_script.py"))]


class FalClientInCelery(_Peer):
    """fal's client in a Celery task with acks_late and retries."""

    name = "fal_client in Celery"
    idle_passes = 3  # within each pass a task is tried four times

    def __init__(self, stand: Stand) -> None:
        super().__init__(stand)
        self.workers = stand.size.workers

    def worker(self, name: str) -> list[str]:
        """As many slots in all as there may be requests at once."""
        slots = max(1, round(self.stand.size.concurrency * 1.5 / self.workers))
        options = f"--pool threads --concurrency {slots} --without-mingle --without-gossip"
        celery = [sys.executable, "-m", "celery", "--quiet", "-A", "chaos.peer_celery", "worker"]
        return [*celery, *options.split(), "-n", f"{name}@%h"]

    def dispatcher(self) -> list[str]:
        """Enqueues what has no transcript, and waits until nothing moves any more."""
        return [sys.executable, "-m", "chaos.peer_celery"]


def _settings(size: Size) -> dict[str, object]:
    return {
        "LIMITS_LEASE_S": LEASE_S,
        "LIMITS_CONCURRENCY": size.concurrency,
        "LIMITS_RECOVER_S": 2,
        "RUN_RECOVER_EVERY_S": 1,
        "RUN_DISPATCHER_LEASE_S": 2,
        "RUN_PROGRESS_EVERY_S": 2,
        "RUN_SEGMENT_ROWS": max(20, size.objects // 50),
        "RUN_SEGMENT_EVERY_S": max(1.5, size.objects / 1000),
        "RUN_PART_ROWS": max(100, size.objects // 10),
        # The queue is filled several times over, so that its water marks are at work.
        "QUEUE_HIGH_WATER": 4 * size.workers * size.slots,
        "QUEUE_LOW_WATER": 2 * size.workers * size.slots,
        "QUEUE_BATCH_SIZE": size.slots,
        "RETRY_BASE_S": 0.3,
        "RETRY_MAX_S": 2,
        "REDIS_SOCKET_TIMEOUT_S": 3,
        "S3_CONNECT_TIMEOUT_S": 2,
        "S3_READ_TIMEOUT_S": 5,
        "S3_MAX_ATTEMPTS": 3,
        "FAL_READ_TIMEOUT_S": 5,
        "FAL_SUBMIT_TIMEOUT_S": 4,
        "FAL_START_TIMEOUT_S": 8,
        "FAL_HISTORY_LAG_S": 1,
        "FAL_RECONCILE_PATIENCE_S": 40,
        # The URL is what ends a doubt: once fal cannot open it any more, the job is free again.
        "AUDIO_PRESIGN_EXPIRY_S": 10,
        "POLLING_MAX_S": 1,
        "LOGS_FORMAT": "json",
    }
