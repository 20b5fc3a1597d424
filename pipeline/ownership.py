"""Whose file stands where a sidecar goes: its stamp tells, and where that is missing, the file itself."""

from __future__ import annotations

from pydantic import ValidationError

from pipeline import sidecars
from pipeline.models import Sidecar, SidecarStamp
from pipeline.storage.base import Head, Storage

# Sidecars of whole days of speech with word times are smaller. A stranger's file of this size is not read.
_LARGEST_SIDECAR_BYTES = 256_000_000


def stamp_at(storage: Storage, bucket: str, key: str, head: Head) -> SidecarStamp | None:
    """The stamp of the sidecar there; None when Nightscribe did not write the file.

    Metadata travels in headers, which have no checksum and no length: a reply that breaks off among them looks whole.
    So a file is called a stranger's only after it has been read. One of ours that was edited is a stranger's, too.
    """
    stamp = sidecars.from_metadata(head.metadata)
    if stamp is not None or head.size_bytes > _LARGEST_SIDECAR_BYTES:
        return stamp
    stored = storage.read(bucket, key)
    if stored is None or stored.etag != head.etag:
        return None
    try:
        sidecar = Sidecar.model_validate_json(stored.body)
    except ValidationError:
        return None
    return sidecars.stamp_of(sidecar) if sidecars.is_sealed(stored.body) else None
