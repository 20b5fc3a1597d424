"""Storage that counts its requests: how `nightscribe plan` knows what planning alone has asked of S3."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping

from pipeline.storage.base import CredentialTerm, Head, Page, Part, Storage, Stored


class CountingStorage(Storage):
    """Passes every call on, and counts it in `requests` by HTTP method (LIST for a page). Safe between threads.

    What the storage behind it sends again for itself is not seen.
    """

    def __init__(self, storage: Storage) -> None:
        self.requests: Counter[str] = Counter()
        self._storage = storage
        self._lock = threading.Lock()

    @property
    def server(self) -> str:
        """See `Storage.server`."""
        return self._storage.server

    def page(self, bucket: str, prefix: str, *, after: str = "", token: str | None = None) -> Page:
        """See `Storage.page`."""
        self._count("LIST")
        return self._storage.page(bucket, prefix, after=after, token=token)

    def head(self, bucket: str, key: str) -> Head | None:
        """See `Storage.head`."""
        self._count("HEAD")
        return self._storage.head(bucket, key)

    def read(self, bucket: str, key: str) -> Stored | None:
        """See `Storage.read`."""
        self._count("GET")
        return self._storage.read(bucket, key)

    def read_range(self, bucket: str, key: str, start: int, length: int, *, if_match: str) -> Part:
        """See `Storage.read_range`."""
        self._count("GET")
        return self._storage.read_range(bucket, key, start, length, if_match=if_match)

    def write(
        self,
        bucket: str,
        key: str,
        body: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        if_match: str | None = None,
    ) -> str:
        """See `Storage.write`."""
        self._count("PUT")
        return self._storage.write(bucket, key, body, content_type=content_type, metadata=metadata, if_match=if_match)

    def delete(self, bucket: str, key: str) -> None:
        """See `Storage.delete`."""
        self._count("DELETE")
        self._storage.delete(bucket, key)

    def delete_many(self, bucket: str, keys: Collection[str]) -> None:
        """See `Storage.delete_many`. Counted as one, as for up to a thousand keys it is."""
        self._count("POST")
        self._storage.delete_many(bucket, keys)

    def credential_term(self, *, at_least_s: float) -> CredentialTerm:
        """See `Storage.credential_term`."""
        return self._storage.credential_term(at_least_s=at_least_s)

    def presign(self, bucket: str, key: str, *, version_id: str | None, expires_s: int) -> str:
        """See `Storage.presign`."""
        return self._storage.presign(bucket, key, version_id=version_id, expires_s=expires_s)

    def _count(self, method: str) -> None:
        with self._lock:
            self.requests[method] += 1
