"""Storage in a dictionary, with S3's conditional semantics: for unit tests and for nothing else."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from pipeline.errors import SourceGoneError
from pipeline.storage.base import (
    Columns,
    CredentialTerm,
    Head,
    Listed,
    Page,
    Part,
    PreconditionFailedError,
    Storage,
    Stored,
)


class _MemoryPage(Page):
    def __init__(self, rows: list[Listed], next_token: str | None) -> None:
        self._rows = rows
        self.next_token = next_token
        self.first_key, self.last_key = (rows[0].key, rows[-1].key) if rows else ("", "")

    def columns(self) -> Columns:
        """See `Page.columns`."""
        return Columns.of(self._rows)

    def pack(self) -> None:
        """See `Page.pack`."""


class MemoryStorage(Storage):
    """Counts its calls by method name in `calls`, so that a test can state how many requests an act costs.

    With `has_versions` each body that is written has a version of its own; only the newest is kept.
    """

    def __init__(self, page_keys: int = 1000, *, has_versions: bool = False) -> None:
        self.page_keys = page_keys
        self.has_versions = has_versions
        self.term = CredentialTerm()
        self._objects: dict[tuple[str, str], tuple[bytes, Head]] = {}
        self._lock = threading.Lock()
        self.calls: dict[str, int] = {}

    @property
    def server(self) -> str:
        """See `Storage.server`."""
        return "memory.invalid"

    def put(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> str:
        """Writes without a condition, as a stranger would. Returns the ETag."""
        with self._lock:
            return self._store(bucket, key, body, metadata or {})

    def page(self, bucket: str, prefix: str, *, after: str = "", token: str | None = None) -> Page:
        """See `Storage.page`."""
        self._count("list")
        begin = token or after
        with self._lock:
            heads = {key: head for (where, key), (_, head) in self._objects.items() if where == bucket and key > begin}
        found = sorted(key for key in heads if key.startswith(prefix))
        rows = [
            Listed(key, heads[key].etag, heads[key].size_bytes, heads[key].last_modified.isoformat())
            for key in found[: self.page_keys]
        ]
        return _MemoryPage(rows, rows[-1].key if len(found) > self.page_keys else None)

    def head(self, bucket: str, key: str) -> Head | None:
        """See `Storage.head`."""
        self._count("head")
        found = self._objects.get((bucket, key))
        return found[1] if found else None

    def read(self, bucket: str, key: str) -> Stored | None:
        """See `Storage.read`."""
        self._count("read")
        found = self._objects.get((bucket, key))
        return Stored(found[0], found[1].etag) if found else None

    def read_range(self, bucket: str, key: str, start: int, length: int, *, if_match: str) -> Part:
        """See `Storage.read_range`."""
        self._count("read_range")
        found = self._objects.get((bucket, key))
        if not found or found[1].etag != if_match:
            raise SourceGoneError(f"s3://{bucket}/{key} was deleted or replaced after it was listed.")
        return Part(found[0][start : start + length], found[1].version_id)

    def write(
        self,
        bucket: str,
        key: str,
        body: bytes,
        *,
        content_type: str,  # noqa: ARG002  part of the interface; a dictionary has no types
        metadata: Mapping[str, str] | None = None,
        if_match: str | None = None,
    ) -> str:
        """See `Storage.write`."""
        self._count("write")
        with self._lock:
            found = self._objects.get((bucket, key))
            if (found[1].etag if found else None) != if_match:
                raise PreconditionFailedError(key)
            return self._store(bucket, key, body, metadata or {})

    def delete(self, bucket: str, key: str) -> None:
        """See `Storage.delete`."""
        self._count("delete")
        with self._lock:
            self._objects.pop((bucket, key), None)

    def delete_many(self, bucket: str, keys: Collection[str]) -> None:
        """See `Storage.delete_many`."""
        self._count("delete_many")
        with self._lock:
            for key in keys:
                self._objects.pop((bucket, key), None)

    def credential_term(self, *, at_least_s: float) -> CredentialTerm:  # noqa: ARG002  the interface's
        """What a test has set as `term`."""
        return self.term

    def presign(self, bucket: str, key: str, *, version_id: str | None, expires_s: int) -> str:
        """See `Storage.presign`."""
        version = f"&versionId={version_id}" if version_id else ""
        signature = f"canary{secrets.token_hex(8)}"
        return f"https://memory.invalid/{bucket}/{key}?X-Amz-Expires={expires_s}&X-Amz-Signature={signature}{version}"

    def _store(self, bucket: str, key: str, body: bytes, metadata: Mapping[str, str]) -> str:
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        version_id = secrets.token_hex(8) if self.has_versions else None
        self._objects[bucket, key] = (body, Head(etag, len(body), datetime.now(UTC), version_id, dict(metadata)))
        return etag

    def _count(self, method: str) -> None:
        with self._lock:
            self.calls[method] = self.calls.get(method, 0) + 1
