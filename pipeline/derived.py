"""Derived files in S3: whether one is current, whose it is, and writing it on the condition of what was seen (I8)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import Enum

from pydantic import ValidationError

from pipeline import formats, keys, sidecars
from pipeline.models import Format, Place, RenderingMark, Sidecar
from pipeline.storage.base import Head, PreconditionFailedError, Storage

_MARK = "nightscribe-rendering"  # the name of the metadata entry


class Became(Enum):
    """What became of a derived file that was to be written."""

    WRITTEN = "written"
    OVERTAKEN = "overtaken"
    """Somebody has written or deleted it in the meantime. What stands there is newer than what was seen."""
    FOREIGN = "foreign"
    """Somebody else's, or ours and edited: left alone."""


@dataclass(frozen=True, slots=True)
class Source:
    """A sidecar with the ETag that it had when it was read or written."""

    sidecar: Sidecar
    etag: str


@dataclass(frozen=True, slots=True)
class DerivedFile:
    """One format of one transcript."""

    bucket: str
    key: str
    kind: Format

    @classmethod
    def of(cls, output: Place, audio_key: str, kind: Format) -> DerivedFile:
        """Where the format of this audio's transcript lies."""
        return cls(output.bucket, keys.derived_key(output, audio_key, kind), kind)

    def is_current(self, head: Head, sidecar_etag: str) -> bool:
        """Whether what was seen there was made from that sidecar, as it would be made now."""
        mark = _mark_of(head)
        version = formats.RENDERERS[self.kind].version
        return mark is not None and (mark.version, mark.sidecar_etag) == (version, sidecar_etag)

    def is_foreign(self, head: Head) -> bool:
        """Whether what was seen there bears no mark of ours."""
        # Files of 0.1 bear the stamp of their sidecar.
        return _mark_of(head) is None and sidecars.from_metadata(head.metadata) is None

    def write(self, storage: Storage, source: Source, seen: Head | None) -> Became:
        """Writes the file where `seen` stood; None: where nothing did. Never writes over what is not ours.

        Whoever reads `source` after `seen` never replaces a newer file by an older one. Raises `ValueError` for a
        transcript that cannot be shown, and what `Storage` raises.
        """
        if seen is not None and (self.is_foreign(seen) or self._is_edited(storage, seen)):
            return Became.FOREIGN
        body = formats.render(source.sidecar.segments, source.sidecar.text, self.kind).encode()
        renderer = formats.RENDERERS[self.kind]
        mark = RenderingMark(
            version=renderer.version, sidecar_etag=source.etag, sha256=hashlib.sha256(body).hexdigest()
        )
        try:
            storage.write(
                self.bucket,
                self.key,
                body,
                content_type=renderer.content_type,
                metadata={_MARK: json.dumps(mark.model_dump(), separators=(",", ":"))},
                if_match=seen.etag if seen else None,
            )
        except PreconditionFailedError:
            now = storage.head(self.bucket, self.key)
            return Became.FOREIGN if now is not None and self.is_foreign(now) else Became.OVERTAKEN
        return Became.WRITTEN

    def _is_edited(self, storage: Storage, seen: Head) -> bool:
        """Whether a file of ours says something else than we wrote; some tools keep the metadata of what they edit."""
        mark = _mark_of(seen)
        stored = storage.read(self.bucket, self.key) if mark else None
        if mark is None or stored is None or stored.etag != seen.etag:
            return False  # it cannot be told, or it has changed since: then the condition of the write holds
        return hashlib.sha256(stored.body).hexdigest() != mark.sha256


def _mark_of(head: Head) -> RenderingMark | None:
    text = head.metadata.get(_MARK)
    try:
        return RenderingMark.model_validate_json(text) if text is not None else None
    except ValidationError:
        return None
