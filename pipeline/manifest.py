"""Stage 5: rows to a manifest: the state of the whole archive, in key order, in parts, written last.

    rows (any order) ─▶ Draft (sorted on disk) ─▶ part-*.jsonl.gz ─▶ manifest.json ─▶ latest.json

A run in progress keeps its settled rows in segments, so that a crashed dispatcher loses nothing. Nothing here
grows in memory with the archive (I6): SQLite does the sorting, in a temporary file.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import ValidationError

from pipeline import SOFTWARE, keys
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.models import Latest, Manifest, ManifestPart, ManifestRow, Place, RecipeStamp, State, Totals
from pipeline.storage.base import PreconditionFailedError, Storage

_JSON = "application/json"
_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a manifest says of the run that wrote it."""

    run_id: str
    archive: Place
    output: Place
    recipe: RecipeStamp
    started_at: datetime


class Draft:
    """The rows of a manifest in the making, one per key; the last one put wins. A context manager."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nightscribe-")
        # A draft can be made anew from S3, so nothing is synced; keys are bytes, for S3 orders by UTF-8 bytes.
        self._rows = sqlite3.connect(Path(self._folder.name) / "rows.sqlite", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute("CREATE TABLE rows (key BLOB PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        self._folder.cleanup()

    def put(self, row: ManifestRow) -> None:
        """Adds a row, or replaces the one of the same key."""
        self._rows.execute(
            "INSERT INTO rows VALUES (?, ?) ON CONFLICT DO UPDATE SET row = excluded.row",
            (row.key.encode(), row.model_dump_json()),
        )

    def rows(self) -> Iterator[ManifestRow]:
        """All rows in key order."""
        for (text,) in self._rows.execute("SELECT row FROM rows ORDER BY key"):
            yield ManifestRow.model_validate_json(text)


class Segments:
    """The settled rows of a run in progress, as numbered files that are only ever added."""

    def __init__(self, storage: Storage, output: Place, archive: Place, run_id: str) -> None:
        self._storage = storage
        self._bucket = output.bucket
        self._folder = f"{keys.run_folder(output, archive, run_id)}segments/"
        self._next = 0

    def read(self) -> Iterator[ManifestRow]:
        """The rows that an earlier dispatcher of this run has kept, oldest first."""
        for listed in list(self._storage.list(self._bucket, self._folder)):
            self._next += 1
            stored = self._storage.read(self._bucket, listed.key)
            if stored:
                yield from _parsed(gzip.decompress(stored.body))

    def append(self, rows: Iterable[ManifestRow]) -> None:
        """Keeps more rows. Segments are told apart by number; a number that is taken is passed over."""
        body = _packed(rows)[0]
        while True:
            self._next += 1
            key = f"{self._folder}{self._next:08d}.jsonl.gz"
            try:
                self._storage.write(self._bucket, key, body, content_type="application/gzip")
            except PreconditionFailedError:
                continue
            return


def read_latest(storage: Storage, output: Place, archive: Place) -> Manifest | None:
    """The archive's newest manifest; None when there is none yet."""
    stored = storage.read(output.bucket, keys.latest_key(output, archive))
    if stored is None:
        return None
    try:
        latest = Latest.model_validate_json(stored.body)
        manifest = storage.read(output.bucket, latest.manifest_key)
        return Manifest.model_validate_json(manifest.body) if manifest else None
    except ValidationError as error:
        raise ConfigurationError(
            f"The manifest that s3://{output.bucket}/{keys.latest_key(output, archive)} points to cannot be read by "
            f"this version ({error.error_count()} differences from its schema). Upgrade Nightscribe, or move "
            "latest.json away: the next run finds all sidecars again.",
            "manifest_unreadable",
        ) from None


def read_rows(storage: Storage, manifest: Manifest) -> Iterator[ManifestRow]:
    """The rows of a manifest in key order, each part checked against its SHA-256; one part in memory at a time."""
    folder = keys.run_folder(manifest.output, manifest.archive, manifest.run_id)
    for part in manifest.parts:
        stored = storage.read(manifest.output.bucket, folder + part.name)
        if stored is None or hashlib.sha256(stored.body).hexdigest() != part.sha256:
            raise ConfigurationError(
                f"s3://{manifest.output.bucket}/{folder}{part.name} is missing or was changed after it was written. "
                "Move latest.json away: the next run finds all sidecars again.",
                "manifest_damaged",
            )
        yield from _parsed(gzip.decompress(stored.body))


def overlaid(older: Iterable[ManifestRow], newer: Iterable[ManifestRow]) -> Iterator[ManifestRow]:
    """Two streams in key order as one; of two rows with the same key the newer."""
    ranked = heapq.merge(
        ((row.key.encode(), 0, row) for row in older),
        ((row.key.encode(), 1, row) for row in newer),
        key=itemgetter(0, 1),
    )
    for _, same_key in groupby(ranked, key=itemgetter(0)):
        *_, (_, _, row) = same_key
        yield row


def finish(storage: Storage, draft: Draft, facts: RunFacts, *, now: datetime, part_rows: int) -> Manifest:
    """Writes parts, then the manifest, then moves `latest.json` to it on the condition of what it was."""
    folder = keys.run_folder(facts.output, facts.archive, facts.run_id)
    bucket = facts.output.bucket
    totals, of_this_run = Totals(), Totals()
    parts: list[ManifestPart] = []
    rows = draft.rows()
    while batch := list(islice(rows, part_rows)):
        for row in batch:
            totals = added(totals, row)
            if row.run_id == facts.run_id:
                of_this_run = added(of_this_run, row)
        parts.append(_write_part(storage, bucket, folder, len(parts) + 1, batch))
    manifest = Manifest(
        run_id=facts.run_id,
        archive=facts.archive,
        output=facts.output,
        recipe=facts.recipe,
        started_at=facts.started_at,
        finished_at=now,
        complete=State.PENDING not in totals.by_state,
        totals=totals,
        this_run=of_this_run,
        parts=tuple(parts),
        software=SOFTWARE,
    )
    manifest_key = f"{folder}manifest.json"
    _replace(storage, bucket, manifest_key, manifest.model_dump_json(indent=1).encode())
    latest = Latest(run_id=facts.run_id, manifest_key=manifest_key, finished_at=now)
    _replace(storage, bucket, keys.latest_key(facts.output, facts.archive), latest.model_dump_json(indent=1).encode())
    return manifest


def added(totals: Totals, row: ManifestRow) -> Totals:
    """The totals with one more row."""
    transcribed = row.state is State.DONE
    by_reason = totals.by_reason
    if row.reason is not None:
        by_reason = by_reason | {row.reason: by_reason.get(row.reason, 0) + 1}
    return Totals(
        objects=totals.objects + 1,
        by_state=totals.by_state | {row.state.value: totals.by_state.get(row.state.value, 0) + 1},
        by_reason=by_reason,
        size_bytes=totals.size_bytes + row.size_bytes,
        audio_s=round(totals.audio_s + (row.duration_s or 0.0 if transcribed else 0.0), 3),
        words=totals.words + (row.words or 0),
        cost_usd=round(totals.cost_usd + (row.cost_usd or 0.0), 9),
        cost_unknown=totals.cost_unknown + (1 if transcribed and row.cost_usd is None else 0),
    )


def _write_part(storage: Storage, bucket: str, folder: str, number: int, rows: list[ManifestRow]) -> ManifestPart:
    body, count = _packed(rows)
    name = f"part-{number:05d}.jsonl.gz"
    _replace(storage, bucket, folder + name, body, content_type="application/gzip")
    return ManifestPart(
        name=name,
        rows=count,
        first_key=rows[0].key,
        last_key=rows[-1].key,
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
    )


def _packed(rows: Iterable[ManifestRow]) -> tuple[bytes, int]:
    lines = [row.model_dump_json() + "\n" for row in rows]
    # mtime 0: the same rows give the same bytes, so that writing them again changes nothing.
    return gzip.compress("".join(lines).encode(), _GZIP_LEVEL, mtime=0), len(lines)


def _parsed(lines: bytes) -> Iterator[ManifestRow]:
    for line in lines.splitlines():
        yield ManifestRow.model_validate_json(line)


def _replace(storage: Storage, bucket: str, key: str, body: bytes, content_type: str = _JSON) -> None:
    """Writes a file of ours over what was seen there a moment ago; loses to nobody silently."""
    head = storage.head(bucket, key)
    try:
        storage.write(bucket, key, body, content_type=content_type, if_match=head.etag if head else None)
    except PreconditionFailedError:
        raise ServiceUnavailableError(
            f"s3://{bucket}/{key} was written by another run in the same moment. Run the command again: nothing is "
            "lost, and what is done is not done again.",
            "manifest_contended",
        ) from None
