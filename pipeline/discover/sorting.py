"""Puts keys in order that come in none, in a temporary file, so that their number does not matter to memory (I6)."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from pipeline.errors import ConfigurationError
from pipeline.storage.base import Listed

_ROWS_AT_ONCE = 1000  # per statement: half a megabyte
_CACHE_KIB = 16_384  # of SQLite, which sorts so much at a time and merges the rest from disk


class Sorted(NamedTuple):
    """A key with what is known of it. Of the same key the lower rank comes first."""

    key: str
    rank: int
    body: bytes


class Sorting:
    """Takes keys in any order and gives them back in that of their UTF-8 bytes. A context manager, for one thread.

    Raises `ConfigurationError` when the temporary folder is full.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nightscribe-")
        self._waiting: list[Sorted] = []
        self._rows = sqlite3.connect(Path(self._folder.name) / "keys.sqlite", isolation_level=None)
        # All of it can be made anew from where it came, so nothing is synced.
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._rows.execute("CREATE TABLE rows (key TEXT NOT NULL, rank INTEGER NOT NULL, body BLOB NOT NULL)")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        self._folder.cleanup()

    def put(self, key: str, rank: int = 0, body: bytes = b"") -> None:
        """Adds a key."""
        self._waiting.append(Sorted(key, rank, body))
        if len(self._waiting) >= _ROWS_AT_ONCE:
            self._keep()

    def in_order(self) -> Iterator[Sorted]:
        """All keys in order, each as often as it was put with different ranks; of the same rank the last one put."""
        self._keep()
        with _room_for_it(self._folder.name):
            # Texts are compared byte by byte; rowid is the order in which they came.
            rows = self._rows.execute("SELECT key, rank, body FROM rows ORDER BY key, rank, rowid")
            last = rows.fetchone()
            for row in rows:
                if row[:2] != last[:2]:
                    yield Sorted(*last)
                last = row
        if last is not None:
            yield Sorted(*last)

    def _keep(self) -> None:
        with _room_for_it(self._folder.name):
            self._rows.execute("BEGIN")
            self._rows.executemany("INSERT INTO rows VALUES (?, ?, ?)", self._waiting)
            self._rows.execute("COMMIT")
        self._waiting.clear()


def sorted_on_disk(found: Iterable[Listed]) -> Iterator[Listed]:
    """The keys of a listing in order, whatever the order in which the store lists them."""
    with Sorting() as sorting:
        for listed in found:
            sorting.put(listed.key, body=msgspec.msgpack.encode(listed))
        for row in sorting.in_order():
            yield _LISTED.decode(row.body)


_LISTED = msgspec.msgpack.Decoder(Listed)


@contextmanager
def _room_for_it(folder: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise ConfigurationError(
            f"The keys cannot be sorted in {folder}: {error}. Set TMPDIR to a folder with more room.", "no_room"
        ) from None
