"""How rows lie in a file: gzipped JSON lines, one row each. Pure."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator

from pipeline.models import ManifestRow

_GZIP_LEVEL = 6


def packed(rows: Iterable[ManifestRow]) -> tuple[bytes, int]:
    """The file's bytes, and how many rows it holds."""
    lines = [row.model_dump_json() + "\n" for row in rows]
    # mtime 0: the same rows give the same bytes, so that writing them again changes nothing.
    return gzip.compress("".join(lines).encode(), _GZIP_LEVEL, mtime=0), len(lines)


def parsed(body: bytes) -> Iterator[ManifestRow]:
    """The rows of a file, in its order."""
    for line in gzip.decompress(body).splitlines():
        yield ManifestRow.model_validate_json(line)
