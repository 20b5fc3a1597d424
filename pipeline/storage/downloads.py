"""Brings a large object to a file, a piece at a time, so that its size does not matter to memory (I6)."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from pipeline.errors import ConfigurationError, SourceGoneError
from pipeline.storage.base import Storage

PIECE_BYTES = 8 << 20  # large enough for the requests not to count, small enough to be nothing in memory


class Digest(Protocol):
    """A checksum in the making, as hashlib's."""

    def update(self, data: bytes, /) -> None:
        """Takes more bytes in."""


def download(
    storage: Storage, bucket: str, key: str, to: Path, digest: Digest, *, piece_bytes: int = PIECE_BYTES
) -> bool:
    """Writes an object to a file, all of one version, and takes it into the digest; False when there is no object.

    Raises `ConfigurationError` when it is replaced meanwhile, and when the file cannot be written; and what `Storage`
    raises.
    """
    head = storage.head(bucket, key)
    if head is None:
        return False
    try:
        with to.open("wb") as file:
            for start in range(0, head.size_bytes, piece_bytes):
                piece = storage.read_range(bucket, key, start, piece_bytes, if_match=head.etag).body
                digest.update(piece)
                file.write(piece)
    except SourceGoneError:
        raise ConfigurationError(
            f"s3://{bucket}/{key} was deleted or replaced while it was read. Run the same command again.",
            "replaced_while_read",
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"s3://{bucket}/{key} ({head.size_bytes:,} bytes) cannot be kept in {to.parent}: {error.strerror}. "
            "Set TMPDIR to a folder with more room.",
            "no_room",
        ) from None
    return True
