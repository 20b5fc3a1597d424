"""Where audio lies and where results go."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple, Self

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Record(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AudioObject(Record):
    """One version of one audio object in S3."""

    bucket: str
    key: str
    etag: str
    """Without the quotes that S3 puts around it. Not a content hash for multipart uploads."""
    size_bytes: int = Field(ge=0)
    last_modified: AwareDatetime
    """Shown, never trusted: for a multipart upload it is the time when the upload began."""
    version_id: str | None = None

    @property
    def uri(self) -> str:
        """`s3://bucket/key`, for people."""
        return f"s3://{self.bucket}/{self.key}"


class Place(Record):
    """Where results go: a bucket and a prefix that is put before the object's own key (may be empty)."""

    bucket: str
    prefix: str = ""

    @property
    def uri(self) -> str:
        """`s3://bucket/prefix`, for people."""
        return f"s3://{self.bucket}/{self.prefix}"


class Found(msgspec.Struct, gc=False):
    """One audio object of a listing, as light as it can be: there may be millions in a run."""

    key: str
    etag: str
    size_bytes: int
    last_modified: str
    """ISO 8601, as the store wrote it; parsed only when the object becomes a record."""
    sidecar_etag: str | None = None
    """None when the listing holds no sidecar for it. The one field that is learned later than the others."""
    excluded: bool = False
    version_id: str | None = None

    def audio(self, bucket: str) -> AudioObject:
        """The same as a record."""
        return AudioObject(
            bucket=bucket,
            key=self.key,
            etag=self.etag,
            size_bytes=self.size_bytes,
            last_modified=datetime.fromisoformat(self.last_modified),
            version_id=self.version_id,
        )


class Stretch(NamedTuple):
    """Audio objects that follow one another in key order, column by column: see `Found` for each. None is empty."""

    keys: list[str]
    etags: list[str]
    sizes_bytes: list[int]
    last_modified: list[str]
    sidecar_etags: list[str | None]
    excluded: list[bool]
    version_ids: list[str | None]

    @classmethod
    def of(cls, found: Sequence[Found]) -> Self:
        """The columns of some records."""
        return cls(
            [item.key for item in found],
            [item.etag for item in found],
            [item.size_bytes for item in found],
            [item.last_modified for item in found],
            [item.sidecar_etag for item in found],
            [item.excluded for item in found],
            [item.version_id for item in found],
        )

    @classmethod
    def joined(cls, pieces: Sequence[Self]) -> Self:
        """Stretches that follow one another, as one."""
        return pieces[0] if len(pieces) == 1 else cls._make(list(chain(*same)) for same in zip(*pieces, strict=True))

    def parted(self, key: str) -> tuple[Stretch | None, Stretch | None]:
        """What lies up to a key, and what lies behind it; None where there is nothing."""
        if self.keys[-1] <= key:
            return self, None
        number = bisect_right(self.keys, key)
        if not number:
            return None, self
        return Stretch._make(each[:number] for each in self), Stretch._make(each[number:] for each in self)

    def found(self) -> list[Found]:
        """The same as records."""
        return list(map(Found, *self))
