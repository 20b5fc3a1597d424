"""A manifest in the making: what differs from the last one, sorted on disk, one entry per key."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from pipeline.models import ManifestRow, RememberedRow, remembered_row

_ROWS_AT_ONCE = 500  # a page of `unsettled`: a quarter of a megabyte


class Change(NamedTuple):
    """What becomes of a key; no row when it leaves the manifest."""

    key: str
    row: RememberedRow | None


class Draft:
    """What changes in a manifest, one entry per key; the last one put wins. A context manager, for one thread."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nightscribe-")
        # A draft can be made anew from S3, so nothing is synced; keys are bytes, for S3 orders by UTF-8 bytes.
        self._rows = sqlite3.connect(Path(self._folder.name) / "rows.sqlite", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute(
            "CREATE TABLE rows (key BLOB PRIMARY KEY, row BLOB, is_unsettled INTEGER NOT NULL, "
            "is_suspect INTEGER NOT NULL) WITHOUT ROWID"
        )
        # As small as the queue: only what is unsettled is in it; and a few of a hundred transcripts are suspect.
        self._rows.execute("CREATE INDEX unsettled ON rows (key) WHERE is_unsettled")
        self._rows.execute("CREATE INDEX suspect ON rows (key) WHERE is_suspect")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        self._folder.cleanup()

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return self._rows.execute("SELECT 1 FROM rows LIMIT 1").fetchone() is None

    def put(self, row: ManifestRow | RememberedRow) -> None:
        """Adds a row, or replaces the one of the same key."""
        line = row.line if isinstance(row, RememberedRow) else row.model_dump_json().encode()
        self._put(row.key, line, is_unsettled=row.is_unsettled, is_suspect=bool(row.suspect))

    def remove(self, key: str) -> None:
        """Lets the row of a key fall out of the manifest."""
        self._put(key, None, is_unsettled=False, is_suspect=False)

    def get(self, key: str) -> RememberedRow | None:
        """The row of a key."""
        found = self._rows.execute("SELECT row FROM rows WHERE key = ?", (key.encode(),)).fetchone()
        return remembered_row(found[0], is_news=True) if found and found[0] is not None else None

    def changes(self) -> Iterator[Change]:
        """All entries in key order."""
        for key, line in self._rows.execute("SELECT key, row FROM rows ORDER BY key"):
            yield Change(key.decode(), None if line is None else remembered_row(line, is_news=True))

    def rows(self) -> Iterator[RememberedRow]:
        """All rows in key order."""
        return (change.row for change in self.changes() if change.row is not None)

    def unsettled(self) -> Iterator[RememberedRow]:
        """The rows of jobs that were sent and have not come back, in key order; rows may be put while it is read."""
        return self._paged("SELECT key, row FROM rows WHERE is_unsettled AND key > ? ORDER BY key LIMIT ?")

    def suspect(self) -> Iterator[RememberedRow]:
        """The rows of doubtful transcripts, in the same way."""
        return self._paged("SELECT key, row FROM rows WHERE is_suspect AND key > ? ORDER BY key LIMIT ?")

    def _paged(self, query: str) -> Iterator[RememberedRow]:
        after = b""
        while page := self._rows.execute(query, (after, _ROWS_AT_ONCE)).fetchall():
            for _, line in page:
                yield remembered_row(line, is_news=True)
            after = page[-1][0]

    def _put(self, key: str, line: bytes | None, *, is_unsettled: bool, is_suspect: bool) -> None:
        self._rows.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "row = excluded.row, is_unsettled = excluded.is_unsettled, is_suspect = excluded.is_suspect",
            (key.encode(), line, is_unsettled, is_suspect),
        )
