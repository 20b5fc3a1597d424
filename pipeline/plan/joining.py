"""The merge join of what is found with what the last manifest knows, both in key order, block by block.

    found ──────┐             alike ─▶ Untouched, and those of its rows that are not simply current
                ├─ block by block
    known rows ─┘             not ───▶ object by object: unpacked, and joined by key

A night changes a hundred objects of a million. Where a block's fingerprint says that nothing has changed, its rows are
not even unpacked; what it says follows from looking at each of them (`standing`), in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from pipeline.blocks import fingerprint
from pipeline.models import Block, Found, KnownRows, RememberedRow, Stretch, Untouched

Pair = tuple[Found | None, RememberedRow | None]
"""One key, on one side or on both."""


def joined(
    found: Iterable[Stretch],
    remembered: Iterable[KnownRows],
    may_be_current: Callable[[Block], bool],
    *,
    is_whole: bool = True,
) -> Iterator[Pair | Untouched]:
    """Pairs in key order, the two sides as they are. `may_be_current`: whether a block is worth a look at all.

    Unless what is found `is_whole`, rows without an object say nothing, and need not be told.
    """
    coming = _Coming(found)
    for known in remembered:
        pieces, block = coming.upto(known.last_key), known.block
        ahead = list(islice(pieces, 1))
        if not (ahead or is_whole):
            continue
        if block is not None and may_be_current(block):
            ahead += _enough(pieces, block.rows - sum(len(piece.keys) for piece in ahead))
            if ahead and _shows(shown := Stretch.joined(ahead), block):
                yield Untouched(block.rows - len(block.others))
                if block.others:
                    items, rows = shown.found(), known.some(block.others)
                    yield from zip((items[number] for number in block.others), rows, strict=True)
                continue
        yield from _merged(_items(chain(ahead, pieces)), known.rows())
    for item in _items(coming.rest()):
        yield item, None


class _Coming:
    """What is found, cut where somebody wants it cut, and read no further than that."""

    def __init__(self, found: Iterable[Stretch]) -> None:
        self._found = iter(found)
        self._here: Stretch | None = None

    def upto(self, key: str) -> Iterator[Stretch]:
        """What was not told yet, up to a key."""
        while (here := self._here or next(self._found, None)) is not None:
            piece, self._here = here.parted(key)
            if piece is not None:
                yield piece
            if self._here is not None:
                return

    def rest(self) -> Iterator[Stretch]:
        """What was not told yet."""
        if self._here is not None:
            yield self._here
        yield from self._found


def _enough(pieces: Iterator[Stretch], objects: int) -> list[Stretch]:
    """The first pieces, no more than tell whether there are more than so many objects: there may be a million."""
    read: list[Stretch] = []
    count = 0
    while count <= objects and (piece := next(pieces, None)) is not None:
        read.append(piece)
        count += len(piece.keys)
    return read


def _shows(found: Stretch, block: Block) -> bool:
    """Whether the archive looks as it did when the block was written."""
    is_as_long = len(found.keys) == block.rows
    return (
        is_as_long
        and not any(found.excluded)
        and not any(found.version_ids)  # a listing shows none, and then a row's own decides nothing
        and fingerprint(found.keys, found.etags, found.sizes_bytes, found.sidecar_etags) == block.fingerprint
    )


def _items(pieces: Iterable[Stretch]) -> Iterator[Found]:
    return chain.from_iterable(piece.found() for piece in pieces)


def _merged(found: Iterable[Found], rows: Iterable[RememberedRow]) -> Iterator[Pair]:
    """Python compares texts by code point, which is the order of their UTF-8 bytes."""
    passing = iter(rows)
    row = next(passing, None)
    for item in found:
        key = item.key
        while row is not None and row.key < key:
            yield None, row
            row = next(passing, None)
        if row is not None and row.key == key:
            yield item, row
            row = next(passing, None)
        else:
            yield item, None
    while row is not None:
        yield None, row
        row = next(passing, None)
