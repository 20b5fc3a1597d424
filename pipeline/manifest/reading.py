"""Reads an archive's newest manifest, checked and row by row."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from pydantic import ValidationError

from pipeline import keys
from pipeline.errors import ConfigurationError
from pipeline.manifest.row_files import parsed
from pipeline.models import Latest, Manifest, ManifestRow, Place
from pipeline.storage.base import Storage


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
        yield from parsed(stored.body)


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
