"""How rows lie in a file: gzipped JSON lines, one row each. Pure."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator

from pipeline.blocks import BLOCK_ROWS, block_of
from pipeline.models import Block, ManifestPart, ManifestRow, RememberedRow

_SEGMENT_LEVEL = 6
_PART_LEVEL = 1  # half of level 6's time for a tenth more bytes; a million rows are some 100 MB either way
_CHUNK_BYTES = 1 << 20


def packed(rows: Iterable[ManifestRow]) -> tuple[bytes, int]:
    """The file's bytes, and how many rows it holds."""
    texts = [row.model_dump_json() + "\n" for row in rows]
    # mtime 0: the same rows give the same bytes, so that writing them again changes nothing.
    return gzip.compress("".join(texts).encode(), _SEGMENT_LEVEL, mtime=0), len(texts)


def lines(body: bytes) -> Iterator[bytes]:
    """The lines of a file, in its order; a megabyte in memory at a time."""
    for several in pieces(body):
        yield from several


def pieces(body: bytes) -> Iterator[list[bytes]]:
    """The same, as many lines together as a piece of the file holds."""
    unpacked = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    rest = b""
    for start in range(0, len(body), _CHUNK_BYTES // 8):
        chunk = unpacked.decompress(body[start : start + _CHUNK_BYTES // 8])
        *whole, rest = (rest + chunk).split(b"\n")
        yield whole
    if not unpacked.eof:
        raise EOFError("a file of rows was cut short")
    if rest:
        yield [rest]


def parsed(body: bytes) -> Iterator[ManifestRow]:
    """The rows of a file, in its order."""
    for line in lines(body):
        yield ManifestRow.model_validate_json(line)


class PartWriter:
    """One part of a manifest in the making: rows go in, packed bytes grow, block by block."""

    def __init__(self, block_rows: int = BLOCK_ROWS) -> None:
        self._block_rows = block_rows
        self._body = io.BytesIO()
        self._packer = gzip.GzipFile(fileobj=self._body, mode="wb", compresslevel=_PART_LEVEL, mtime=0)
        self._waiting: list[RememberedRow] = []
        self._blocks: list[Block] = []
        self._first = ""
        self.rows = 0

    def add(self, row: RememberedRow) -> None:
        """Adds the next row in key order."""
        self._first = self._first or row.key
        self.rows += 1
        self._waiting.append(row)
        if len(self._waiting) == self._block_rows:
            self._pack()

    def finish(self, name: str) -> tuple[bytes, ManifestPart]:
        """The file's bytes and what the manifest says of it. At least one row was added."""
        if self._waiting:
            self._pack()
        self._packer.close()
        body = self._body.getvalue()
        part = ManifestPart(
            name=name,
            rows=self.rows,
            first_key=self._first,
            last_key=self._blocks[-1].last_key,
            sha256=hashlib.sha256(body).hexdigest(),
            size_bytes=len(body),
            blocks=tuple(self._blocks),
        )
        return body, part

    def _pack(self) -> None:
        begin = self._body.tell() if self._blocks else 0
        self._packer.write(b"".join(row.line + b"\n" for row in self._waiting))
        # What follows needs nothing of what is before; the file stays one that gzip unpacks.
        self._packer.flush(zlib.Z_FULL_FLUSH)
        self._blocks.append(block_of(self._waiting, self._body.tell() - begin))
        self._waiting = []
