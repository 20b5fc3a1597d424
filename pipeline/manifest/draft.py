"""A manifest in the making: rows sorted on disk, one per key."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.models import ManifestRow

_ROWS_AT_ONCE = 500  # a page of `unsettled`: a quarter of a megabyte


class Draft:
    """The rows of a manifest in the making, one per key; the last one put wins. A context manager, for one thread."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="nightscribe-")
        # A draft can be made anew from S3, so nothing is synced; keys are bytes, for S3 orders by UTF-8 bytes.
        self._rows = sqlite3.connect(Path(self._folder.name) / "rows.sqlite", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute(
            "CREATE TABLE rows (key BLOB PRIMARY KEY, row TEXT NOT NULL, is_unsettled INTEGER NOT NULL) WITHOUT ROWID"
        )
        # As small as the queue: only what is unsettled is in it.
        self._rows.execute("CREATE INDEX unsettled ON rows (key) WHERE is_unsettled")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rows.close()
        self._folder.cleanup()

    def put(self, row: ManifestRow) -> None:
        """Adds a row, or replaces the one of the same key."""
        self._rows.execute(
            "INSERT INTO rows VALUES (?, ?, ?) "
            "ON CONFLICT DO UPDATE SET row = excluded.row, is_unsettled = excluded.is_unsettled",
            (row.key.encode(), row.model_dump_json(), row.is_unsettled),
        )

    def get(self, key: str) -> ManifestRow | None:
        """The row of a key."""
        found = self._rows.execute("SELECT row FROM rows WHERE key = ?", (key.encode(),)).fetchone()
        return ManifestRow.model_validate_json(found[0]) if found else None

    def rows(self) -> Iterator[ManifestRow]:
        """All rows in key order."""
        for (text,) in self._rows.execute("SELECT row FROM rows ORDER BY key"):
            yield ManifestRow.model_validate_json(text)

    def unsettled(self) -> Iterator[ManifestRow]:
        """The rows of jobs that were sent and have not come back, in key order; rows may be put while it is read."""
        after = b""
        while page := self._rows.execute(
            "SELECT key, row FROM rows WHERE is_unsettled AND key > ? ORDER BY key LIMIT ?", (after, _ROWS_AT_ONCE)
        ).fetchall():
            for _, text in page:
                yield ManifestRow.model_validate_json(text)
            after = page[-1][0]
