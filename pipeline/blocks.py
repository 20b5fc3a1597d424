"""Blocks of a manifest's rows: how a listing recognises one, and how one is unpacked without the others. Pure.

    last night:  rows ──┐                        tonight:  listing ──┐
                        ├─▶ fingerprint, in the manifest             ├─▶ the same one? Then no row need be looked at.

Only what decides goes in: ETag and size of the audio, and the ETag of its sidecar. No moment in time, no storage class.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

import msgspec

from pipeline.errors import ConfigurationError
from pipeline.models import Block, ManifestPart, RememberedRow, State, remembered_row

BLOCK_ROWS = 500
"""For each change so many rows are looked at; and a million rows have 2,000 blocks, half a megabyte of JSON or more."""
_MOST_OTHERS = BLOCK_ROWS // 8  # with more of them to be looked at, recognising the rest gains little
_PIECE_BYTES = 1 << 16  # some 80 rows
_GZIP, _RAW = zlib.MAX_WBITS | 16, -zlib.MAX_WBITS
_FINGERPRINT_BYTES = 16  # two that differ are alike by accident once in 10**38 times


def fingerprint(
    keys: Sequence[str], etags: Sequence[str], sizes_bytes: Sequence[int], sidecar_etags: Sequence[str | None]
) -> str:
    """What a listing shows of objects in key order, in 32 letters; None as a sidecar's ETag where there is none."""
    # MessagePack writes lengths in front of texts, so that no key can look like two.
    shown = msgspec.msgpack.encode((keys, etags, sizes_bytes, sidecar_etags))
    return hashlib.blake2b(shown, digest_size=_FINGERPRINT_BYTES).hexdigest()


def block_of(rows: Sequence[RememberedRow], size_bytes: int) -> Block:
    """What the manifest says of some rows in key order, packed to this size."""
    recipe = _usual_recipe(rows)
    current = [_is_current(row, recipe) for row in rows]
    others = tuple(number for number, is_current in enumerate(current) if not is_current)
    last_key = rows[-1].key
    if len(others) > _MOST_OTHERS or len(others) == len(rows):
        return Block(rows=len(rows), last_key=last_key, size_bytes=size_bytes)
    return Block(
        rows=len(rows),
        last_key=last_key,
        size_bytes=size_bytes,
        fingerprint=_fingerprint_of(rows),
        recipe=recipe,
        largest_bytes=max(row.size_bytes for row in compress(rows, current)),
        others=others,
    )


def is_true_of(block: Block, rows: Sequence[RememberedRow]) -> bool:
    """Whether all holds that the manifest says of these rows, whoever wrote it: what a plan believes unseen."""
    if (block.rows, block.last_key) != (len(rows), rows[-1].key):
        return False
    if block.fingerprint is None:
        return True
    others = set(block.others)
    usual = [row for number, row in enumerate(rows) if number not in others]
    return (
        others <= set(range(len(rows)))
        and block.fingerprint == _fingerprint_of(rows)
        and all(_is_current(row, block.recipe) and row.size_bytes <= block.largest_bytes for row in usual)
    )


def _fingerprint_of(rows: Sequence[RememberedRow]) -> str:
    return fingerprint(
        [row.key for row in rows],
        [row.etag for row in rows],
        [row.size_bytes for row in rows],
        [row.sidecar_etag for row in rows],
    )


def _usual_recipe(rows: Sequence[RememberedRow]) -> str | None:
    """What most were asked for; a second opinion that has taken the place of what was asked for stands for it."""
    recipes = Counter(row.stands_for or row.recipe for row in rows if row.state is State.DONE)
    return recipes.most_common(1)[0][0] if recipes else None


def _is_current(row: RememberedRow, recipe: str | None) -> bool:
    """Whether it is current for a recipe, for as long as object and sidecar stay what they are."""
    return (
        row.state is State.DONE
        and row.sidecar_etag is not None
        and row.size_bytes > 0
        and recipe is not None
        and recipe in (row.recipe, row.stands_for)
    )


@dataclass(frozen=True, slots=True)
class PackedRows:
    """The rows of a block as they lie in a part: see `KnownRows`."""

    block: Block
    packed: bytes
    is_first: bool
    """Whether the head of the gzip file stands in front."""
    uri: str
    """Of the part, for messages."""

    @property
    def last_key(self) -> str:
        """See `KnownRows`."""
        return self.block.last_key

    @property
    def count(self) -> int:
        """See `KnownRows`."""
        return self.block.rows

    def rows(self) -> list[RememberedRow]:
        """See `KnownRows`."""
        lines = self._unpacked().split(b"\n")[:-1]
        if len(lines) != self.block.rows:
            raise self._damage()
        return list(map(remembered_row, lines))

    def some(self, numbers: Sequence[int]) -> list[RememberedRow]:
        """See `KnownRows`. Unpacks no more than up to the last of them."""
        wanted = max(numbers, default=-1) + 1
        lines = self._unpacked(wanted).split(b"\n")[:-1]
        if len(lines) < wanted:
            raise self._damage()
        return [remembered_row(lines[number]) for number in numbers]

    def _unpacked(self, rows: int | None = None) -> bytes:
        """The text of at least so many rows, if there are so many; None: of all."""
        unpacker = zlib.decompressobj(wbits=_GZIP if self.is_first else _RAW)
        try:
            if rows is None:
                return unpacker.decompress(self.packed)
            text, rest = b"", self.packed
            while rest and text.count(b"\n") < rows:
                text += unpacker.decompress(rest, _PIECE_BYTES)
                rest = unpacker.unconsumed_tail
        except zlib.error:
            return b""
        return text if rest else text + unpacker.flush()

    def _damage(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self.uri} is not what manifest.json says of its blocks. Make the manifest anew from the sidecars: "
            "nightscribe manifest rebuild.",
            "manifest_damaged",
        )


def blocks_in(part: ManifestPart, body: bytes, uri: str) -> Iterator[PackedRows]:
    """The blocks of a part, which is stored there."""
    begin = 0
    for block in part.blocks:
        end = begin + block.size_bytes
        # A copy, so that a few blocks that wait somewhere do not keep the whole part.
        yield PackedRows(block, body[begin:end], is_first=begin == 0, uri=uri)
        begin = end


@dataclass(frozen=True, slots=True)
class LooseRows:
    """Rows of which a manifest says nothing in one: see `KnownRows`."""

    loose: list[RememberedRow]
    block: None = None

    @property
    def last_key(self) -> str:
        """See `KnownRows`."""
        return self.loose[-1].key

    @property
    def count(self) -> int:
        """See `KnownRows`."""
        return len(self.loose)

    def rows(self) -> list[RememberedRow]:
        """See `KnownRows`."""
        return self.loose

    def some(self, numbers: Sequence[int]) -> list[RememberedRow]:
        """See `KnownRows`."""
        return [self.loose[number] for number in numbers]
