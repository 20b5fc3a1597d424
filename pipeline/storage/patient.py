"""Storage that waits for a store which is away or asks to slow down: a brown-out must not end a run of hours.

For the dispatcher, which nobody retries. A worker puts its job off instead, and works on another one meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from pipeline import logs
from pipeline.cancellation import CancellationToken
from pipeline.errors import TransientError
from pipeline.storage.base import CredentialTerm, Head, Page, Part, PreconditionFailedError, Storage, Stored

T = TypeVar("T")
_AGAIN_S = 1.0


class PatientStorage(Storage):
    """Repeats every call for at most `for_s`, which is safe: reads change nothing, and writes know their own content.

    `clock` returns seconds. Raises as the storage behind it does, once the time is over; and `Cancelled`.
    """

    def __init__(
        self, storage: Storage, *, for_s: float, cancel: CancellationToken, clock: Callable[[], float]
    ) -> None:
        self._storage = storage
        self._for_s = for_s
        self._cancel = cancel
        self._clock = clock

    @property
    def server(self) -> str:
        """See `Storage.server`."""
        return self._storage.server

    def page(self, bucket: str, prefix: str, *, after: str = "", token: str | None = None) -> Page:
        """See `Storage.page`."""
        return self._insist(lambda: self._storage.page(bucket, prefix, after=after, token=token))

    def head(self, bucket: str, key: str) -> Head | None:
        """See `Storage.head`."""
        return self._insist(lambda: self._storage.head(bucket, key))

    def read(self, bucket: str, key: str) -> Stored | None:
        """See `Storage.read`."""
        return self._insist(lambda: self._storage.read(bucket, key))

    def read_range(self, bucket: str, key: str, start: int, length: int, *, if_match: str) -> Part:
        """See `Storage.read_range`."""
        return self._insist(lambda: self._storage.read_range(bucket, key, start, length, if_match=if_match))

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
        """See `Storage.write`. A try that got no answer may have been done all the same: its content tells."""
        since = self._clock()
        is_repeat = False
        while True:
            try:
                return self._storage.write(
                    bucket, key, body, content_type=content_type, metadata=metadata, if_match=if_match
                )
            except PreconditionFailedError:
                stored = self.read(bucket, key) if is_repeat else None
                if stored is None or stored.body != body:
                    raise
                return stored.etag
            except TransientError as error:
                is_repeat = True
                self._wait(error, since)

    def delete(self, bucket: str, key: str) -> None:
        """See `Storage.delete`."""
        self._insist(lambda: self._storage.delete(bucket, key))

    def delete_many(self, bucket: str, keys: Collection[str]) -> None:
        """See `Storage.delete_many`."""
        self._insist(lambda: self._storage.delete_many(bucket, keys))

    def credential_term(self, *, at_least_s: float) -> CredentialTerm:
        """See `Storage.credential_term`."""
        return self._insist(lambda: self._storage.credential_term(at_least_s=at_least_s))

    def presign(self, bucket: str, key: str, *, version_id: str | None, expires_s: int) -> str:
        """See `Storage.presign`."""
        return self._storage.presign(bucket, key, version_id=version_id, expires_s=expires_s)

    def _insist(self, call: Callable[[], T]) -> T:
        since = self._clock()
        while True:
            try:
                return call()
            except TransientError as error:
                self._wait(error, since)

    def _wait(self, error: TransientError, since: float) -> None:
        if self._clock() - since >= self._for_s:
            raise error
        logs.get_logger().warning("s3_awaited", message=error.message)
        self._cancel.sleep(max(_AGAIN_S, error.delay_s or 0.0))
