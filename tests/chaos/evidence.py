"""What a trial is judged by: fal's books and what lies in S3, nothing else. Gathered once, after all have ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from canaries import Canaries
from chaos.recordings import Recording
from chaos.stand import BUCKET, Stand

_READS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Request:
    """One request that fal accepted."""

    request_id: str
    key: str
    sent_at: float
    """Seconds since the epoch, as all times here."""
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Bill:
    """One request that fal charges."""

    request_id: str
    key: str
    billed_at: float
    audio_s: float


@dataclass(frozen=True, slots=True)
class Stored:
    """One object in S3."""

    body: bytes
    etag: str


@dataclass(frozen=True)
class Evidence:
    """All of it."""

    recordings: Mapping[str, Recording]
    etags: Mapping[str, str]
    """Of the recordings, as they were put."""
    requests: Sequence[Request]
    bills: Sequence[Bill]
    objects: Mapping[str, Stored]
    """Everything in the bucket but the recordings."""
    listed: Sequence[str]
    """The keys of the recordings that are in the bucket now."""
    permits: int
    """How many requests may be in flight at once."""
    began_at: float = 0.0
    """When the contestant was started."""
    ceilings: Sequence[tuple[float, float | None]] = ()
    """From when on which seconds of audio were the most that might be billed; None is no ceiling."""
    leaks: Sequence[str] = ()
    """Secrets that were found in what the contestant has written."""


def gather(
    stand: Stand,
    recordings: Sequence[Recording],
    *,
    began_at: float,
    ceilings: Sequence[tuple[float, float | None]],
) -> Evidence:
    """Reads the books and the bucket, past the proxies, and looks for secrets in all that was written."""
    books = stand.ledger()
    by_key = {recording.key: recording for recording in recordings}
    keys = list(stand.listed())
    others = [key for key in keys if key not in by_key]
    with ThreadPoolExecutor(_READS_AT_ONCE) as reads:
        found = list(reads.map(stand.read, others))
    objects = {key: Stored(*stored) for key, stored in zip(others, found, strict=True) if stored is not None}
    return Evidence(
        recordings=by_key,
        etags=stand.etags,
        requests=[_request(row) for row in books["accepted"]],
        bills=[_bill(row) for row in books["bills"]],
        objects=objects,
        listed=[key for key in keys if key in by_key],
        permits=round(stand.size.concurrency * 1.5),
        began_at=began_at,
        ceilings=ceilings,
        leaks=_leaks(stand, objects),
    )


def _leaks(stand: Stand, objects: Mapping[str, Stored]) -> list[str]:
    """Secrets in logs, in objects, and in what Redis has kept of the commands that it was given."""
    files = [*(stand.folder / "logs").iterdir(), *stand.stack.redis.folder.rglob("*.aof")]
    sinks = {str(path): path.read_bytes() for path in files}
    return Canaries(stand).leaks({**sinks, **{key: stored.body for key, stored in objects.items()}})


def _request(row: Mapping[str, Any]) -> Request:
    ended_at = _epoch(row["ended_at"]) if row["ended_at"] else None
    return Request(row["request_id"], _key(row), _epoch(row["sent_at"]), ended_at)


def _bill(row: Mapping[str, Any]) -> Bill:
    return Bill(row["request_id"], _key(row), _epoch(row["billed_at"]), row["billable_units"])


def _key(row: Mapping[str, Any]) -> str:
    return str(row["audio_path"]).removeprefix(f"/{BUCKET}/")


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
