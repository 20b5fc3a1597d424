"""Reads an archive's newest manifest, checked and row by row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from pipeline import keys
from pipeline.blocks import blocks_in
from pipeline.errors import ConfigurationError
from pipeline.manifest.ahead import one_ahead
from pipeline.manifest.overlay import loose
from pipeline.manifest.row_files import parsed, pieces
from pipeline.models import (
    KnownRows,
    Latest,
    Manifest,
    ManifestPart,
    ManifestRow,
    Place,
    RememberedRow,
    remembered_row,
)
from pipeline.storage.base import Storage


@dataclass(frozen=True, slots=True)
class Newest:
    """An archive's newest manifest as it was seen, and the ETag of the pointer to it."""

    manifest: Manifest | None = None
    latest: Latest | None = None
    latest_etag: str | None = None


def read_newest(storage: Storage, output: Place, archive: Place) -> Newest:
    """The archive's newest manifest, if there is one. Raises `ConfigurationError` when it cannot be read."""
    stored = storage.read(output.bucket, keys.latest_key(output, archive))
    if stored is None:
        return Newest()
    try:
        latest = Latest.model_validate_json(stored.body)
        manifest = storage.read(output.bucket, latest.manifest_key)
        return Newest(Manifest.model_validate_json(manifest.body) if manifest else None, latest, stored.etag)
    except ValidationError as error:
        raise ConfigurationError(
            f"The manifest that s3://{output.bucket}/{keys.latest_key(output, archive)} points to cannot be read by "
            f"this version ({error.error_count()} differences from its schema). Upgrade Nightscribe, or make it anew "
            "from the sidecars: nightscribe manifest rebuild.",
            "manifest_unreadable",
        ) from None


def read_latest(storage: Storage, output: Place, archive: Place) -> Manifest | None:
    """The archive's newest manifest; None when there is none yet."""
    return read_newest(storage, output, archive).manifest


def read_rows(storage: Storage, manifest: Manifest) -> Iterator[ManifestRow]:
    """The rows of a manifest in key order, each part checked against its SHA-256; one part in memory at a time."""
    for part in manifest.parts:
        yield from parsed(_part(storage, manifest, part))


def remembered(storage: Storage, manifest: Manifest) -> Iterator[RememberedRow]:
    """The same, no more of each row than a plan needs. Raises `ConfigurationError` on a part that was changed."""
    # Unpacking takes a fifth of the time that rows do, and leaves the interpreter to others meanwhile.
    for several in one_ahead(_pieces(storage, manifest)):
        yield from map(remembered_row, several)


def _pieces(storage: Storage, manifest: Manifest) -> Iterator[list[bytes]]:
    for part in manifest.parts:
        yield from pieces(_part(storage, manifest, part))


def known(storage: Storage, manifest: Manifest) -> Iterator[KnownRows]:
    """The same block by block: packed, where the manifest tells blocks apart. One part is in memory at a time."""
    for part in manifest.parts:
        if part.blocks:
            yield from blocks_in(part, _part(storage, manifest, part), _uri(manifest, part))
        else:
            for several in pieces(_part(storage, manifest, part)):
                yield from loose(map(remembered_row, several))


def _part(storage: Storage, manifest: Manifest, part: ManifestPart) -> bytes:
    stored = storage.read(manifest.output.bucket, _key(manifest, part))
    if stored is None or hashlib.sha256(stored.body).hexdigest() != part.sha256:
        raise ConfigurationError(
            f"{_uri(manifest, part)} is missing or was changed after it was written. "
            "Make the manifest anew from the sidecars: nightscribe manifest rebuild.",
            "manifest_damaged",
        )
    return stored.body


def _key(manifest: Manifest, part: ManifestPart) -> str:
    return keys.run_folder(manifest.output, manifest.archive, manifest.run_id) + part.name


def _uri(manifest: Manifest, part: ManifestPart) -> str:
    return f"s3://{manifest.output.bucket}/{_key(manifest, part)}"
