"""Storage: what the stages need of S3, and the contract that every implementation keeps (tests/contracts)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from typing import NamedTuple, Self

import msgspec


class Listed(msgspec.Struct, frozen=True, gc=False):
    """One key of a listing. `etag` without quotes."""

    key: str
    etag: str
    size_bytes: int
    last_modified: str
    """ISO 8601, as the store wrote it."""

    @property
    def modified_at(self) -> datetime:
        """The same as a moment."""
        return datetime.fromisoformat(self.last_modified)


class Columns(NamedTuple):
    """Keys of a listing, column by column: a thousand of them take a tenth of the time of as many records."""

    keys: list[str]
    """In UTF-8 binary order."""
    etags: list[str]
    """Without quotes."""
    sizes_bytes: list[int]
    last_modified: list[str]
    """ISO 8601, as the store wrote it."""

    @classmethod
    def of(cls, entries: Sequence[Listed]) -> Self:
        """The columns of some records."""
        return cls(
            [entry.key for entry in entries],
            [entry.etag for entry in entries],
            [entry.size_bytes for entry in entries],
            [entry.last_modified for entry in entries],
        )

    def upto(self, number: int) -> Columns:
        """The first so many."""
        return Columns._make(column[:number] for column in self)

    def behind(self, number: int) -> Columns:
        """All but these."""
        return Columns._make(column[number:] for column in self)

    def only(self, wanted: Sequence[bool]) -> Columns:
        """Those that are wanted, told for each."""
        return Columns._make(list(compress(column, wanted)) for column in self)

    def listed(self) -> list[Listed]:
        """The same as records."""
        return list(map(Listed, *self))


class Page(ABC):
    """One answer to a LIST request."""

    next_token: str | None
    """What continues the listing after this page; None at its end."""
    first_key: str
    last_key: str
    """The first and the last key of the page, known without reading the others; empty on an empty page."""

    @abstractmethod
    def columns(self) -> Columns:
        """All keys of the page, in UTF-8 binary order."""

    def listed(self) -> list[Listed]:
        """The same as records."""
        return self.columns().listed()

    @abstractmethod
    def pack(self) -> None:
        """Makes itself small, to be kept for a while."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a HEAD tells. `metadata` holds the user metadata, names in lower case."""

    etag: str
    size_bytes: int
    last_modified: datetime
    version_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """A body with the ETag it had when it was read."""

    body: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of an object, and which version of it they are of: None where the store keeps no versions."""

    body: bytes
    version_id: str | None = None


@dataclass(frozen=True, slots=True)
class CredentialTerm:
    """How long the credentials last that sign URLs. A presigned URL ends with them."""

    ends_at: datetime | None = None
    """None: never, or they do not tell."""
    is_temporary: bool = False
    """Whether they belong to a session, which ends some time."""
    renews: bool = False
    """Whether they will be replaced by themselves some time before they end."""
    source: str = field(default="", compare=False)
    """Where they were found, in the SDK's word (env, shared-credentials-file, iam-role); empty: there are none."""


class PreconditionFailedError(Exception):
    """A conditional write lost: the object is not what we saw. Control flow for callers, not a failure."""


class Storage(ABC):
    """An S3-compatible store, safe to share between threads.

    Raises `ServiceUnavailableError` or `ThrottledError` when the store does not answer or says to slow down
    (after the implementation's own bounded retries), and `ConfigurationError` for a missing bucket, missing
    rights or missing credentials, naming the bucket and the right.
    """

    @property
    @abstractmethod
    def server(self) -> str:
        """Where the store is, for messages: host and port, never credentials."""

    @abstractmethod
    def page(self, bucket: str, prefix: str, *, after: str = "", token: str | None = None) -> Page:
        """One LIST request: up to a thousand keys under the prefix, in UTF-8 binary order.

        It begins with the first key greater than `after`, or where the page with this `next_token` ended.
        """

    def list(self, bucket: str, prefix: str) -> Iterator[Listed]:
        """Yields every key under the prefix in UTF-8 binary order, page by page; memory stays constant (I6)."""
        page = self.page(bucket, prefix)
        yield from page.listed()
        while page.next_token is not None:
            page = self.page(bucket, prefix, token=page.next_token)
            yield from page.listed()

    @abstractmethod
    def head(self, bucket: str, key: str) -> Head | None:
        """Looks at one object; None when it does not exist."""

    @abstractmethod
    def read(self, bucket: str, key: str) -> Stored | None:
        """Reads a whole (small) object; None when it does not exist."""

    @abstractmethod
    def read_range(self, bucket: str, key: str, start: int, length: int, *, if_match: str) -> Part:
        """Reads `length` bytes from `start` of the version with that ETag; fewer at the end of the object.

        Raises `SourceGoneError` when the object is gone or has another ETag.
        """

    @abstractmethod
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
        """Writes an object on the condition that it is what we saw, and returns its new ETag (I8).

        With `if_match` the object must still have that ETag; without it the object must not exist.
        Raises `PreconditionFailedError` otherwise. There is no unconditional write. A write whose reply got lost
        inside, and which was sent again, has won when exactly its body stands there.
        """

    @abstractmethod
    def delete(self, bucket: str, key: str) -> None:
        """Deletes an object of ours; a missing one is no error."""

    @abstractmethod
    def delete_many(self, bucket: str, keys: Collection[str]) -> None:
        """Deletes objects of ours, a thousand per request; missing ones are no error.

        Raises when one could not be deleted, naming the first; the others may be there or not: doing it again is safe.
        """

    @abstractmethod
    def credential_term(self, *, at_least_s: float) -> CredentialTerm:
        """How long the credentials last; those that end sooner than asked for are renewed first, where that can be."""

    @abstractmethod
    def presign(self, bucket: str, key: str, *, version_id: str | None, expires_s: int) -> str:
        """Signs a GET URL; no two are equal, so that a request is known by its URL. With a version, for that version.

        It asks the store nothing but, once per bucket, where that is, and whether versions of it may be read: where
        not, the URL is for whatever stands there. Whoever holds the URL can read: never log or store it (I9).
        """
