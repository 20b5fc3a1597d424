"""An S3 Inventory to the same stream of audio objects that a listing gives, without a LIST.

    manifest.json ─▶ each part, checked, to a temporary file ─▶ rows (any order) ─sorted on disk─▶ Found, in key order

An inventory is as old as its report: what was uploaded since is not in it, and neither are the sidecars written since.
Of several versions the current one counts. Its id is left out, as a listing leaves it out: a job's id is made of it,
and the job of an object must have the same id from every source, or its intent would not be found.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pipeline import keys
from pipeline.discover.inventory_report import Line, ParquetRows, Report, lines_of, read_report
from pipeline.discover.pairing import Sighting
from pipeline.discover.selection import Selection
from pipeline.discover.sorting import Sorted, Sorting
from pipeline.errors import ConfigurationError
from pipeline.models import Found, Place
from pipeline.storage.base import Storage
from pipeline.storage.downloads import download

_AUDIO, _SIDECAR = 0, 1  # of the same name the audio comes first


def inventory(
    storage: Storage,
    manifest_place: Place,
    archive: Place,
    output: Place,
    chosen: Selection,
    *,
    parquet_rows: ParquetRows,
    sighting: Sighting | None = None,
) -> Iterator[Found]:
    """Yields every audio object under the archive's prefix that the inventory shows, in key order.

    `manifest_place` is the report's manifest.json (the prefix is its whole key). Sidecars are those that the inventory
    shows; with results in another bucket, those that a listing shows. `parquet_rows` reads a Parquet file.

    Raises `ConfigurationError`, before the first object, for a report that cannot be read, is damaged, is of another
    bucket or lacks a field; and what `Storage` raises.
    """
    report = read_report(storage, manifest_place)
    if report.source_bucket != archive.bucket:
        raise ConfigurationError(
            f"{manifest_place.uri} is an inventory of the bucket {report.source_bucket}, and the archive is "
            f"{archive.uri}. Name an inventory of the archive's bucket.",
            "inventory_of_another_bucket",
        )
    seen = sighting if sighting is not None else Sighting()
    with Sorting() as sorting:
        for line in _lines(storage, report, parquet_rows):
            key = line.key
            if output.bucket == archive.bucket and _put_sidecar(sorting, key, line.etag, output):
                continue
            if not key.startswith(archive.prefix) or keys.is_ours(key):
                continue
            seen.keys += 1
            if chosen.is_audio(key):
                seen.audio += 1
                found = Found(key, line.etag, line.size_bytes, line.last_modified, excluded=chosen.excludes(key))
                sorting.put(key, _AUDIO, msgspec.msgpack.encode(found))
        if output.bucket != archive.bucket:
            for listed in storage.list(output.bucket, output.prefix + archive.prefix):
                _put_sidecar(sorting, listed.key, listed.etag, output)
        yield from _paired(sorting.in_order())


def _lines(storage: Storage, report: Report, parquet_rows: ParquetRows) -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="nightscribe-") as folder:
        file = Path(folder) / "part"
        for part in report.files:
            digest = hashlib.md5(usedforsecurity=False)  # what AWS gives; it tells damage, not malice
            is_there = download(storage, report.bucket, part.key, file, digest)
            if not is_there or digest.hexdigest() != part.md5.lower():
                raise ConfigurationError(
                    f"s3://{report.bucket}/{part.key} is missing, or is not what the inventory's manifest.json says by "
                    "its MD5. Use the inventory of another day.",
                    "inventory_damaged",
                )
            yield from lines_of(report, f"s3://{report.bucket}/{part.key}", file, parquet_rows)


def _put_sidecar(sorting: Sorting, key: str, etag: str, output: Place) -> bool:
    """Puts a sidecar under the name of its audio; False when it is none."""
    is_sidecar = key.startswith(output.prefix) and key.endswith(keys.SIDECAR_SUFFIX)
    if is_sidecar:
        sorting.put(key[len(output.prefix) : -len(keys.SIDECAR_SUFFIX)], _SIDECAR, etag.encode())
    return is_sidecar


def _paired(entries: Iterable[Sorted]) -> Iterator[Found]:
    waiting: Found | None = None
    for entry in entries:
        if entry.rank == _AUDIO:
            if waiting is not None:
                yield waiting
            waiting = msgspec.msgpack.decode(entry.body, type=Found)
        elif waiting is not None and waiting.key == entry.key:
            yield msgspec.structs.replace(waiting, sidecar_etag=entry.body.decode())
            waiting = None
    if waiting is not None:
        yield waiting
