"""Where audio lies and where results go."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Found:
    """One audio object of a listing. `sidecar_etag` is None when the listing holds no sidecar for it."""

    audio: AudioObject
    sidecar_etag: str | None = None
    excluded: bool = False
