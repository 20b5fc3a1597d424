"""Newer rows over older ones, without unpacking what they leave as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from pipeline.blocks import BLOCK_ROWS, LooseRows
from pipeline.models import KnownRows, RememberedRow


def loose(rows: Iterable[RememberedRow]) -> Iterator[LooseRows]:
    """Rows in key order, as many together as a block has."""
    passing = iter(rows)
    while several := list(islice(passing, BLOCK_ROWS)):
        yield LooseRows(several)


def overlaid(older: Iterable[KnownRows], newer: Iterable[RememberedRow]) -> Iterator[KnownRows]:
    """Two streams in key order as one; of two rows with the same key the newer."""
    coming = iter(newer)
    new = next(coming, None)

    def upto(key: str) -> Iterator[RememberedRow]:
        nonlocal new
        while new is not None and new.key <= key:
            yield new
            new = next(coming, None)

    for known in older:
        if new is None or new.key > known.last_key:
            yield known
        else:
            yield from loose(_merged(known.rows(), upto(known.last_key)))
    yield from () if new is None else loose(chain([new], coming))


def _merged(older: Iterable[RememberedRow], newer: Iterable[RememberedRow]) -> Iterator[RememberedRow]:
    first, second = iter(older), iter(newer)
    old, new = next(first, None), next(second, None)
    while old is not None and new is not None:
        if old.key < new.key:
            yield old
            old = next(first, None)
            continue
        if old.key == new.key:
            old = next(first, None)
        yield new
        new = next(second, None)
    yield from () if old is None else chain([old], first)
    yield from () if new is None else chain([new], second)
