"""Writes a manifest as it lies in S3, without the stage that does so."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Collection, Iterable, Sequence

import builders

from pipeline import keys
from pipeline.models import Latest, Manifest, ManifestPart, ManifestRow, Place, RecipeStamp, Totals
from pipeline.storage.memory import MemoryStorage


def packed(rows: Iterable[ManifestRow], without: Collection[str] = ()) -> bytes:
    """A part file: gzipped JSON lines; without these fields, as an older version writes it."""
    return gzip.compress("".join(f"{row.model_dump_json(exclude=set(without))}\n" for row in rows).encode())


def write_manifest(
    storage: MemoryStorage, archive: Place, *parts: Sequence[ManifestRow], output: Place = builders.OUTPUT
) -> None:
    """A manifest of the archive with these rows in its parts."""
    folder = keys.run_folder(output, archive, "run1")
    records = []
    for number, rows in enumerate(parts, 1):
        body, name = packed(rows), f"part-{number:05d}.jsonl.gz"
        storage.put(output.bucket, folder + name, body)
        ends = {"first_key": rows[0].key, "last_key": rows[-1].key, "rows": len(rows), "size_bytes": len(body)}
        records.append(ManifestPart(name=name, sha256=hashlib.sha256(body).hexdigest(), **ends))
    manifest = Manifest(
        run_id="run1",
        archive=archive,
        output=output,
        recipe=RecipeStamp.of(builders.recipe()),
        started_at=builders.NOW,
        finished_at=builders.NOW,
        complete=True,
        totals=Totals(),
        this_run=Totals(),
        parts=tuple(records),
        software="nightscribe",
    )
    storage.put(output.bucket, f"{folder}manifest.json", manifest.model_dump_json().encode())
    latest = Latest(run_id="run1", manifest_key=f"{folder}manifest.json", finished_at=builders.NOW)
    storage.put(output.bucket, keys.latest_key(output, archive), latest.model_dump_json().encode())
