"""What differs in one case: its row against the listing, and, deep, against what the sidecar itself says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import ValidationError

from pipeline import keys, sidecars
from pipeline.models import AudioObject, ManifestRow, Place, RememberedRow, Sidecar, State
from pipeline.storage.base import Listed, Storage
from pipeline.verify.differences import Difference, Kind
from pipeline.verify.joining import Case

LARGEST_SIDECAR_BYTES = 256_000_000
"""Days of speech with word times are smaller. What is larger is not read into memory."""

_FROM_SIDECAR = (
    "job_id",
    "recipe",
    "run_id",
    "endpoint_id",
    "request_id",
    "attempts",
    "reason",
    "duration_s",
    "words",
    "language",
    "speech",
    "cost_usd",
    "processing_s",
    "settled_at",
    "suspect",
    "stands_for",
)
"""Fields of a `done` row that come from its sidecar. `message` does, too; its wording may change between versions."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares cases of one archive."""

    archive: Place
    output: Place

    def faults(self, row: ManifestRow) -> Iterator[str]:
        """What a row contradicts in itself, or in being of this archive."""
        if row.bucket != self.archive.bucket or not row.key.startswith(self.archive.prefix):
            yield f"is of the bucket {row.bucket!r}: it lies outside of {self.archive.uri!r}"
        if row.state is not State.DONE:
            return
        if row.sidecar_etag is None:
            yield "is done, and has no sidecar_etag"
        if row.sidecar_key != keys.sidecar_key(self.output, row.key):
            yield f"names the sidecar {row.sidecar_key!r}"

    def differences(self, case: Case) -> Iterator[Difference]:
        """What the listing tells."""
        row = case.row
        if row is None:
            if case.audio is not None:
                yield Difference(Kind.OBJECT_WITHOUT_ROW, case.key, "came after the manifest, or its row is lost")
            if case.sidecar is not None:
                yield Difference(Kind.SIDECAR_WITHOUT_ROW, case.sidecar.key, f"no row for {case.key!r} names it")
            return
        if case.audio is None:
            detail = "is no audio object of the listing: deleted since, or not in audio.extensions"
            yield Difference(Kind.ROW_WITHOUT_OBJECT, row.key, detail)
        elif (case.audio.etag, case.audio.size_bytes) != (row.etag, row.size_bytes):
            yield Difference(Kind.OBJECT_CHANGED, row.key, _versions(case.audio, row))
        if row.state is State.DONE:
            yield from self._sidecar_differences(row, case.sidecar)

    def differences_inside(self, case: Case, storage: Storage) -> list[Difference]:
        """What the sidecar tells that a `done` row names. Reads it; raises what `Storage` raises."""
        row, listed = case.row, case.sidecar
        if row is None or listed is None:
            return []
        if listed.size_bytes > LARGEST_SIDECAR_BYTES:
            return [Difference(Kind.SIDECAR_UNREADABLE, listed.key, f"has {listed.size_bytes} bytes: it is no sidecar")]
        stored = storage.read(self.output.bucket, listed.key)
        if stored is None:
            return [Difference(Kind.SIDECAR_MISSING, listed.key, "was deleted after it was listed")]
        if stored.etag != listed.etag:
            return [Difference(Kind.SIDECAR_CHANGED, listed.key, "was written again after it was listed")]
        try:
            sidecar = Sidecar.model_validate_json(stored.body)
        except ValidationError as error:
            faults = f"{error.error_count()} faults by the schema"
            return [Difference(Kind.SIDECAR_UNREADABLE, listed.key, faults)]
        wrong = _contradictions(row.row(), sidecar, self.output, stored.etag)
        return [Difference(Kind.SIDECAR_WRONG, listed.key, f"says otherwise than its row: {wrong}")] if wrong else []

    def _sidecar_differences(self, row: RememberedRow, listed: Listed | None) -> Iterator[Difference]:
        if listed is None:
            key = keys.sidecar_key(self.output, row.key)
            yield Difference(Kind.SIDECAR_MISSING, key, f"the row of {row.key!r} is done")
        elif listed.etag != row.sidecar_etag:
            detail = f"has the ETag {listed.etag!r}; the row of {row.key!r} says {row.sidecar_etag!r}"
            yield Difference(Kind.SIDECAR_CHANGED, listed.key, detail)


def _versions(audio: Listed, row: RememberedRow) -> str:
    return f"has {audio.size_bytes} bytes, ETag {audio.etag!r}; its row says {row.size_bytes}, {row.etag!r}"


def _contradictions(row: ManifestRow, sidecar: Sidecar, output: Place, etag: str) -> str:
    """The names of what differs, for people; empty when nothing does."""
    audio = AudioObject(**{name: getattr(row, name) for name in AudioObject.model_fields})
    said = sidecars.row_of(audio, output, sidecars.stamp_of(sidecar), etag)
    names = [name for name in _FROM_SIDECAR if getattr(said, name) != getattr(row, name)]
    if (sidecar.object.etag, sidecar.object.size_bytes) != (row.etag, row.size_bytes):
        names.append("object")
    return ", ".join(names)
