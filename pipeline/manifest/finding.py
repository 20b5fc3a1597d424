"""Finds the row of one object without reading a whole archive: in one part of a manifest, in the newest segments."""

from __future__ import annotations

import gzip
import hashlib
import io
from dataclasses import dataclass

from pydantic_core import to_json

from pipeline import keys
from pipeline.errors import ConfigurationError
from pipeline.models import Manifest, ManifestRow, Place
from pipeline.storage.base import Storage


def find_row(storage: Storage, manifest: Manifest, key: str) -> ManifestRow | None:
    """The row of a key; reads the one part that can hold it, and no JSON but that row's.

    Raises `ConfigurationError` when that part is missing, or was changed after it was written.
    """
    order = key.encode()
    for part in manifest.parts:
        if not part.first_key.encode() <= order <= part.last_key.encode():
            continue
        where = keys.run_folder(manifest.output, manifest.archive, manifest.run_id) + part.name
        stored = storage.read(manifest.output.bucket, where)
        if stored is None or hashlib.sha256(stored.body).hexdigest() != part.sha256:
            raise ConfigurationError(
                f"s3://{manifest.output.bucket}/{where} is missing or was changed after it was written.",
                "manifest_damaged",
            )
        return _last_row(stored.body, key)
    return None


@dataclass(frozen=True, slots=True)
class SegmentSearch:
    """What the segments of a run in progress say of a key. `unread` segments were too old to be looked at."""

    row: ManifestRow | None
    unread: int = 0


def find_in_segments(
    storage: Storage, output: Place, archive: Place, run_id: str, key: str, *, at_most: int
) -> SegmentSearch:
    """The newest row of a key in the segments of a run; reads the newest `at_most` of them."""
    folder = keys.segments_folder(output, archive, run_id)
    names = [listed.key for listed in storage.list(output.bucket, folder)]
    for name in reversed(names[-at_most:]):
        stored = storage.read(output.bucket, name)
        row = _last_row(stored.body, key) if stored else None
        if row is not None:
            return SegmentSearch(row)
    return SegmentSearch(None, unread=max(0, len(names) - at_most))


def _last_row(body: bytes, key: str) -> ManifestRow | None:
    """The last row of a key in a file of rows."""
    # As pydantic writes it. A quotation mark inside a text is escaped, so that no text can look like this field.
    needle = b'"key":' + to_json(key) + b","
    found = None
    with gzip.open(io.BytesIO(body)) as unpacked, io.BufferedReader(unpacked) as lines:
        for line in lines:
            if needle in line:
                found = line
    return ManifestRow.model_validate_json(found) if found else None
