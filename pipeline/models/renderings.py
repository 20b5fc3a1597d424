"""What a derived file says of itself."""

from __future__ import annotations

from pipeline.models.archives import Record


class RenderingMark(Record):
    """The S3 metadata of a derived file: what it was made from, so that a HEAD tells whether it is current."""

    version: int
    """Of what made it; each format has its own."""
    sidecar_etag: str
    sha256: str
    """Of the file as it was written. One that somebody has edited is no longer ours to write over."""
