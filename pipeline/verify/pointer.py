"""From `latest.json` to the manifest that it points to, both held against each other and against themselves."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from pydantic import ValidationError

from pipeline import keys
from pipeline.models import SIDECAR_SCHEMA_VERSION, Latest, Manifest, Place, Recipe, RecipeStamp, Record
from pipeline.storage.base import Storage
from pipeline.verify.differences import Difference, Kind

_MANIFEST = "manifest.json"
_LOOK_BACK = 10  # manifests that may be damaged, too


@dataclass(slots=True)
class Pointed:
    """What `latest.json` led to. `manifest` is None when it cannot be read; the differences then say why."""

    key: str
    """Where the manifest lies, or should."""
    manifest: Manifest | None = None
    differences: list[Difference] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """Where its parts lie: beside it."""
        return self.key.removesuffix(_MANIFEST)


def point(storage: Storage, output: Place, archive: Place) -> Pointed | None:
    """Follows the archive's `latest.json`; None when there is none."""
    latest_key = keys.latest_key(output, archive)
    stored = storage.read(output.bucket, latest_key)
    if stored is None:
        return None
    try:
        latest = Latest.model_validate_json(stored.body)
    except ValidationError as error:
        return Pointed("", differences=[Difference(Kind.LATEST_WRONG, latest_key, _unreadable(error))])
    expected = f"{keys.run_folder(output, archive, latest.run_id)}{_MANIFEST}"
    is_ours = latest.manifest_key.startswith(keys.archive_folder(output, archive))
    pointed = Pointed(latest.manifest_key if is_ours and latest.manifest_key.endswith(f"/{_MANIFEST}") else expected)
    found = pointed.differences
    found += _wrong(Kind.LATEST_WRONG, latest_key, latest, stored.body, _contradictions(latest, expected))
    written = storage.read(output.bucket, pointed.key)
    if written is None:
        found.append(Difference(Kind.MANIFEST_MISSING, pointed.key, f"{latest_key!r} points to it"))
        return pointed
    try:
        pointed.manifest = manifest = Manifest.model_validate_json(written.body)
    except ValidationError as error:
        found.append(Difference(Kind.MANIFEST_WRONG, pointed.key, _unreadable(error)))
        return pointed
    is_changed = latest.manifest_sha256 not in {None, hashlib.sha256(written.body).hexdigest()}
    if is_changed:
        found.append(Difference(Kind.MANIFEST_CHECKSUM, pointed.key, "was changed after it was written"))
    faults = _faults(manifest, latest, output, archive)
    found += _wrong(Kind.MANIFEST_WRONG, pointed.key, manifest, written.body, faults)
    return pointed


def is_as_written(record: Record, body: bytes) -> bool:
    """Whether these are the very bytes that Nightscribe writes for the record; older versions knew fewer fields."""
    return record.model_dump_json(indent=1, exclude_unset=True).encode() == body


def newest_readable(storage: Storage, output: Place, archive: Place) -> Pointed | None:
    """The manifest that `latest.json` leads to; where that is lost, the last one that a run of the archive has left."""
    pointed = point(storage, output, archive)
    if pointed is not None and pointed.manifest is not None:
        return pointed
    runs = f"{keys.archive_folder(output, archive)}runs/"
    written = (listed.key for listed in storage.list(output.bucket, runs) if listed.key.endswith(f"/{_MANIFEST}"))
    for key in reversed(deque(written, maxlen=_LOOK_BACK)):  # a run's id begins with the time when it began
        stored = storage.read(output.bucket, key)
        with suppress(ValidationError):
            return Pointed(key, Manifest.model_validate_json(stored.body if stored else b""))
    return None


def _contradictions(latest: Latest, expected: str) -> Iterator[str]:
    if latest.manifest_key != expected:
        yield f"names the manifest {latest.manifest_key!r} of run {latest.run_id!r}"
    if latest.looked_at is not None and latest.looked_at < latest.finished_at:
        yield "was looked at before it was finished"


def _faults(manifest: Manifest, latest: Latest, output: Place, archive: Place) -> Iterator[str]:
    if (manifest.run_id, manifest.finished_at) != (latest.run_id, latest.finished_at):
        yield "names another run or moment than latest.json"
    if (manifest.archive, manifest.output) != (archive, output):
        yield f"is of the archive {manifest.archive.uri!r} with results at {manifest.output.uri!r}"
    if not _is_hashed(manifest.recipe):
        yield "has a recipe that does not give its hash"
    if manifest.started_at > manifest.finished_at:
        yield "ended before it began"


def _is_hashed(stamp: RecipeStamp) -> bool:
    recipes = (
        Recipe(endpoint_id=stamp.endpoint_id, arguments=stamp.arguments, schema_version=version)
        for version in range(1, SIDECAR_SCHEMA_VERSION + 1)
    )
    return any(recipe.hash == stamp.hash for recipe in recipes)


def _wrong(kind: Kind, key: str, record: Record, body: bytes, faults: Iterator[str]) -> list[Difference]:
    """One difference per fault; where none is found, whether the file was changed all the same."""
    found = [Difference(kind, key, fault) for fault in faults]
    if not found and not is_as_written(record, body):
        found.append(Difference(kind, key, "is not as Nightscribe writes it: it was changed after it was written"))
    return found


def _unreadable(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False)[0]
    where = json.dumps(".".join(str(step) for step in first["loc"]))
    return f"cannot be read: {first['msg']!r} at {where}"
