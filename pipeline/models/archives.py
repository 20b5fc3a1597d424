"""Where audio lies and where results go."""

from __future__ import annotations

from datetime import datetime

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Record(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


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
