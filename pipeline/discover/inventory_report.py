"""Reads the report of an S3 Inventory as AWS writes it: manifest.json, and its parts as CSV or Parquet.

The fields are told by `fileSchema`, which has those that the inventory was configured with, in its order.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import msgspec

from pipeline.errors import ConfigurationError
from pipeline.models import Place
from pipeline.storage.base import Storage

ParquetRows = Callable[[Path, Sequence[str]], Iterator[tuple[Any, ...]]]
"""Reads these columns of a Parquet file: one tuple per row, with None for a column that the file does not have."""


class _Row(NamedTuple):
    """A row of a part, under Parquet's names; None for what the inventory does not have."""

    key: str | None
    size: str | int | None
    e_tag: str | None
    bucket: str | None = None
    last_modified_date: str | None = None
    version_id: str | None = None
    is_latest: str | bool | None = None
    is_delete_marker: str | bool | None = None


_NEEDED = ("Key", "Size", "ETag")
_CSV_NAMES = (*_NEEDED, "Bucket", "LastModifiedDate", "VersionId", "IsLatest", "IsDeleteMarker")
"""The names of the same in CSV."""


class Line(NamedTuple):
    """One current object as the inventory shows it."""

    key: str
    size_bytes: int
    etag: str
    last_modified: str


class Part(msgspec.Struct, frozen=True):
    """A part of the report."""

    key: str
    md5: str = msgspec.field(name="MD5checksum")


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """The manifest.json of a report."""

    source_bucket: str
    destination_bucket: str
    file_format: str
    file_schema: str
    files: tuple[Part, ...]
    creation_timestamp: str | int = 0
    """Milliseconds since 1970."""

    @property
    def bucket(self) -> str:
        """Where the parts lie."""
        return self.destination_bucket.rpartition(":")[2]  # AWS gives an ARN

    @property
    def is_parquet(self) -> bool:
        """Whether the parts are Parquet; CSV otherwise."""
        return self.file_format == "Parquet"

    @property
    def made_at(self) -> str:
        """When the report was begun, ISO 8601."""
        return datetime.fromtimestamp(int(self.creation_timestamp) / 1000, UTC).isoformat()


def read_report(storage: Storage, place: Place) -> Report:
    """The report with this manifest.json. Raises `ConfigurationError` when there is none that can be used."""
    stored = storage.read(place.bucket, place.prefix)
    if stored is None:
        raise ConfigurationError(
            f"There is no {place.uri}. Name the manifest.json of one report of the S3 Inventory: "
            "s3://BUCKET/.../YYYY-MM-DDTHH-MMZ/manifest.json.",
            "no_inventory",
        )
    try:
        report = msgspec.json.decode(stored.body, type=Report)
        _ = report.made_at
    except (msgspec.DecodeError, ValueError, OverflowError, OSError) as error:
        raise ConfigurationError(
            f"{place.uri} is not the manifest.json of an S3 Inventory ({error}).", "inventory_unreadable"
        ) from None
    if report.file_format not in {"CSV", "Parquet"}:
        raise ConfigurationError(
            f"{place.uri} is an inventory in the format {report.file_format}, which Nightscribe does not read. "
            "Configure the inventory to be written as CSV or Parquet.",
            "inventory_format",
        )
    _check_fields(report, place)
    return report


def lines_of(report: Report, uri: str, file: Path, parquet_rows: ParquetRows) -> Iterator[Line]:
    """The current objects in a part. `uri` is its address, for messages."""
    number = 0
    try:
        for row in parquet_rows(file, _Row._fields) if report.is_parquet else _csv_rows(report, file):
            line = _line(report, _Row(*row))
            number += 1
            if line is not None:
                yield line
    except (ValueError, TypeError, csv.Error, EOFError, OSError, zlib.error) as error:
        raise ConfigurationError(
            f"{uri} cannot be read as the inventory's manifest.json describes it (after {number} rows: {error}).",
            "inventory_unreadable",
        ) from None


def _check_fields(report: Report, place: Place) -> None:
    present = _csv_fields(report)
    if report.is_parquet:
        # message s3.inventory { required binary key (UTF8); optional int64 size; ... }
        columns = set(re.findall(r"\w+", report.file_schema))
        present = [name for name, column in zip(_CSV_NAMES, _Row._fields, strict=True) if column in columns]
    # With all versions in it, it must tell which one is the current.
    needed = [*_NEEDED, *(["IsLatest"] if "VersionId" in present else [])]
    if missing := [name for name in needed if name not in present]:
        raise ConfigurationError(
            f"The inventory {place.uri} lacks {', '.join(missing)}. Add the fields to its configuration and wait for "
            "the next report.",
            "inventory_fields",
        )


def _csv_fields(report: Report) -> list[str]:
    return [name.strip() for name in report.file_schema.split(",")]


def _csv_rows(report: Report, file: Path) -> Iterator[tuple[str | None, ...]]:
    names = _csv_fields(report)
    places = [names.index(name) if name in names else None for name in _CSV_NAMES]
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.reader(lines, strict=True):
            if len(row) != len(names):
                raise ValueError(f"{len(row)} fields instead of {len(names)}")
            key, *others = [None if place is None else row[place] for place in places]
            yield unquote_plus(key or "", errors="strict"), *others


def _line(report: Report, row: _Row) -> Line | None:
    """The object of a row; None for one that is not current, or of another bucket."""
    if _is(row.is_delete_marker, default=False) or not _is(row.is_latest, default=True):
        return None
    if row.bucket is not None and row.bucket != report.source_bucket:
        return None
    if not row.key or not row.e_tag or row.size is None:
        raise ValueError(f"no key, ETag or size: {row.key!r}, {row.e_tag!r}, {row.size!r}")
    modified = row.last_modified_date or report.made_at
    return Line(row.key, int(row.size), row.e_tag.strip('"'), modified)


def _is(value: Any, *, default: bool) -> bool:
    """CSV has words, Parquet truth values."""
    if value is None or value == "":
        return default
    return value if isinstance(value, bool) else value.lower() == "true"
