"""Writes reports of an S3 Inventory as AWS does: manifest.json with parts in CSV or Parquet."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import duckdb

from pipeline.models import Place
from pipeline.storage.base import Listed

CSV_FIELDS = ("Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate", "ETag")
PARQUET_TYPES = {
    "bucket": "VARCHAR",
    "key": "VARCHAR",
    "version_id": "VARCHAR",
    "is_latest": "BOOLEAN",
    "is_delete_marker": "BOOLEAN",
    "size": "BIGINT",
    "last_modified_date": "TIMESTAMP",
    "e_tag": "VARCHAR",
    "storage_class": "VARCHAR",
}
PARQUET_SCHEMA = (
    "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); "
    "optional binary version_id (UTF8); optional boolean is_latest; optional boolean is_delete_marker; "
    "optional int64 size; optional int64 last_modified_date (TIMESTAMP_MILLIS); optional binary e_tag (UTF8);}"
)
FOLDER = "inv/podcasts/nightly"
MANIFEST = Place(bucket="reports", prefix=f"{FOLDER}/2026-11-22T01-00Z/manifest.json")
Put = Callable[[str, str, bytes], Any]  # bucket, key, body

Line = dict[str, Any]


def line(listed: Listed, bucket: str = "podcasts", **changes: Any) -> Line:
    """What an inventory shows of a listed object, by CSV's names."""
    fields = {
        "Bucket": bucket,
        "Key": listed.key,
        "VersionId": "",
        "IsLatest": True,
        "IsDeleteMarker": False,
        "Size": listed.size_bytes,
        "LastModifiedDate": listed.last_modified,
        "ETag": listed.etag,
    }
    return fields | changes


def csv_part(lines: Iterable[Line], fields: Sequence[str] = CSV_FIELDS) -> bytes:
    """A part in CSV: every field in quotation marks, keys url-encoded, no header."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for shown in lines:
        words = shown | {"Key": quote_plus(shown["Key"])}
        writer.writerow(str(words[name]).lower() if isinstance(words[name], bool) else words[name] for name in fields)
    return gzip.compress(text.getvalue().encode())


def parquet_part(lines: Iterable[Line], types: dict[str, str] = PARQUET_TYPES) -> bytes:
    """A part in Parquet, with these columns."""
    rows = [
        dict(zip(PARQUET_TYPES, [*(shown[name] for name in CSV_FIELDS), "STANDARD"], strict=True)) for shown in lines
    ]
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as database:
        columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
        database.execute(f"CREATE TABLE part ({columns})")
        for row in rows:
            values = [row[name] if row[name] != "" else None for name in types]
            database.execute(f"INSERT INTO part VALUES ({', '.join('?' * len(types))})", values)  # noqa: S608  no values
        database.execute(f"COPY part TO '{folder}/part.parquet' (FORMAT parquet)")
        return (Path(folder) / "part.parquet").read_bytes()


def write_report(put: Put, parts: Sequence[bytes], *, manifest: Place = MANIFEST, **changes: Any) -> Place:
    """Writes the parts, then the manifest; returns where that is."""
    files = []
    for number, body in enumerate(parts):
        key = f"{FOLDER}/data/{number}.csv.gz"
        put(manifest.bucket, key, body)
        checksum = hashlib.md5(body, usedforsecurity=False).hexdigest()
        files.append({"key": key, "size": len(body), "MD5checksum": checksum})
    report = {
        "sourceBucket": "podcasts",
        "destinationBucket": f"arn:aws:s3:::{manifest.bucket}",
        "version": "2016-11-30",
        "creationTimestamp": "1795309200000",
        "fileFormat": "CSV",
        "fileSchema": ", ".join(CSV_FIELDS),
        "files": files,
    }
    put(manifest.bucket, manifest.prefix, json.dumps(report | changes).encode())
    return manifest
