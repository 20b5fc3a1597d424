"""The rows of a manifest as they lie in its parts, each part held against what the manifest says of it.

A part is looked through before any of its rows is told: only then it is known that it unpacks, and in what order.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import msgspec
from pydantic import ValidationError

from pipeline.blocks import PackedRows, blocks_in, is_true_of
from pipeline.errors import ConfigurationError
from pipeline.models import Manifest, ManifestPart, ManifestRow, RememberedRow, remembered_row
from pipeline.storage.base import Storage, Stored
from pipeline.verify.differences import Difference, Kind


@dataclass(frozen=True, slots=True)
class Gap:
    """The key range of a part whose rows are not told, for they cannot be believed. Both ends are included."""

    first: str
    last: str


Told = RememberedRow | Difference | Gap
CheckRow = Callable[[ManifestRow], Iterator[str]]
"""What a row contradicts in itself, in words."""


class _Key(msgspec.Struct, gc=False):
    key: str


_KEYS = msgspec.json.Decoder(_Key)


@dataclass(slots=True)
class _Look:
    """What one pass through a part has shown."""

    body: bytes
    rows: int = 0
    first: str = ""
    last: str = ""
    is_ordered: bool = True
    behind: list[tuple[int, str]] = field(default_factory=list)
    """Lines whose key is smaller than that of the line before, by number."""

    def numbered(self) -> Iterable[tuple[int, bytes]]:
        """The lines in the order of their keys, with the number that each has in the file."""
        lines = enumerate(_unpacked(self.body), 1)
        return lines if self.is_ordered else sorted(lines, key=lambda line: _key_of(line[1]) or "")


def rows_of(storage: Storage, bucket: str, folder: str, manifest: Manifest, check: CheckRow) -> Iterator[Told]:
    """Yields the rows in strict key order whatever lies in the parts, and what is wrong with parts and rows.

    Each row keeps to the schema. One that is out of its order within a part is told, and then takes its place; one that
    is behind the part before is told and left out. One part is in memory at a time, unpacked only when its order must
    be mended. Raises what `Storage` raises.
    """
    last = ""
    for part, before in zip(manifest.parts, (None, *manifest.parts), strict=False):
        where = folder + part.name
        if before is not None and part.first_key <= before.last_key:
            yield Difference(Kind.PART_RANGE, where, f"begins at {part.first_key!r}, before {before.name!r} ends")
        for told in _rows_of_part(storage.read(bucket, where), where, part, check):
            if not isinstance(told, RememberedRow):
                yield told
            elif told.key > last:
                last = told.key
                yield told
            elif told.key == last:
                yield Difference(Kind.ROW_TWICE, told.key, f"again in {where!r}")
            else:
                yield Difference(Kind.ROW_ORDER, told.key, f"in {where!r}, when {last!r} was in the part before")


def _rows_of_part(stored: Stored | None, where: str, part: ManifestPart, check: CheckRow) -> Iterator[Told]:
    """The rows of a part in key order; a gap in place of those that cannot be believed."""
    look = _looked_through(stored, where, part)
    if isinstance(look, Difference):
        yield look
        yield Gap(part.first_key, part.last_key)
        return
    yield from _look_faults(part, where, look)
    yield from _block_faults(part, where, look)
    for number, line in look.numbered():
        try:
            whole, row = ManifestRow.model_validate_json(line), remembered_row(line)
        except ValueError as error:
            yield Difference(Kind.ROW_UNREADABLE, where, f"line {number} is no row: {_reason(error)}")
            continue
        for fault in check(whole):
            yield Difference(Kind.ROW_WRONG, row.key, fault)
        yield row


def _looked_through(stored: Stored | None, where: str, part: ManifestPart) -> _Look | Difference:
    """Why nothing in the part can be believed, or what it looks like."""
    left_out = f"{part.rows} rows from {part.first_key!r} to {part.last_key!r} are left out"
    if stored is None:
        return Difference(Kind.PART_MISSING, where, left_out)
    if hashlib.sha256(stored.body).hexdigest() != part.sha256:
        size = f"has {len(stored.body)} bytes of {part.size_bytes} and "
        return Difference(Kind.PART_CHECKSUM, where, f"{size}was changed after it was written: {left_out}")
    look = _Look(stored.body)
    try:
        for line in _unpacked(stored.body):
            _look_at(line, look)
    except (OSError, EOFError, zlib.error) as error:
        return Difference(Kind.PART_UNREADABLE, where, f"does not unpack ({str(error)!r}): {left_out}")
    return look


def _look_at(line: bytes, look: _Look) -> None:
    look.rows += 1
    key = _key_of(line)
    if key is None:
        return  # told when the row is read
    if look.first and key <= look.last:
        look.is_ordered = False
        if key < look.last:
            look.behind.append((look.rows, key))
    look.first = look.first or key
    look.last = key


def _look_faults(part: ManifestPart, where: str, look: _Look) -> Iterator[Difference]:
    if len(look.body) != part.size_bytes:
        detail = f"has {len(look.body)} bytes; the manifest says {part.size_bytes}"
        yield Difference(Kind.PART_SIZE, where, detail)
    if look.rows != part.rows:
        yield Difference(Kind.PART_ROWS, where, f"holds {look.rows} rows; the manifest says {part.rows}")
    if (look.first, look.last) != (part.first_key, part.last_key):
        detail = f"goes from {look.first!r} to {look.last!r}; the manifest says {part.first_key!r} to {part.last_key!r}"
        yield Difference(Kind.PART_RANGE, where, detail)
    for number, key in look.behind:
        yield Difference(Kind.ROW_ORDER, key, f"line {number} of {where!r}: smaller than the key before it")


def _block_faults(part: ManifestPart, where: str, look: _Look) -> Iterator[Difference]:
    """Where what the manifest says of blocks is not true of these very rows."""
    if not part.blocks:
        return
    try:
        for known in blocks_in(part, look.body, where):
            if not _is_true(known):
                yield Difference(Kind.PART_BLOCKS, where, f"the block up to {known.last_key!r} has other rows")
    except ConfigurationError:
        yield Difference(Kind.PART_BLOCKS, where, "its blocks begin and end elsewhere")
    rows, size_bytes = sum(block.rows for block in part.blocks), sum(block.size_bytes for block in part.blocks)
    if rows != look.rows or size_bytes >= len(look.body):  # gzip's own end is in none
        detail = f"its blocks have {rows} of {look.rows} rows in {size_bytes} of {len(look.body)} bytes"
        yield Difference(Kind.PART_BLOCKS, where, detail)


def _is_true(known: PackedRows) -> bool:
    try:
        return is_true_of(known.block, known.rows())
    except ValueError:
        return True  # of a line that is no row: that is told by itself


def _key_of(line: bytes) -> str | None:
    try:
        return _KEYS.decode(line).key
    except msgspec.MsgspecError:
        return None


def _unpacked(body: bytes) -> Iterator[bytes]:
    with gzip.open(io.BytesIO(body)) as unpacked, io.BufferedReader(unpacked) as lines:
        for line in lines:
            yield line.removesuffix(b"\n")


def _reason(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False)[0]
        return f"{first['loc']!r}: {first['msg']!r}"
    return repr(str(error))
