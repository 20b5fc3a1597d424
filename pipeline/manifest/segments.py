"""The settled rows of a run in progress, in S3: what a dispatcher that takes the run over begins with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipeline import keys
from pipeline.manifest.row_files import packed, parsed
from pipeline.models import ManifestRow, Place
from pipeline.storage.base import PreconditionFailedError, Storage


class Segments:
    """The settled rows of a run in progress, as numbered files that are only ever added."""

    def __init__(self, storage: Storage, output: Place, archive: Place, run_id: str) -> None:
        self._storage = storage
        self._bucket = output.bucket
        self._folder = keys.segments_folder(output, archive, run_id)
        self._next = 0

    def batches(self) -> Iterator[list[ManifestRow]]:
        """The rows that were kept so far, oldest first, one list per segment."""
        for number, listed in enumerate(list(self._storage.list(self._bucket, self._folder)), 1):
            self._next = max(self._next, number)
            stored = self._storage.read(self._bucket, listed.key)
            if stored:
                yield list(parsed(stored.body))

    def read(self) -> Iterator[ManifestRow]:
        """The rows that were kept so far, oldest first."""
        for rows in self.batches():
            yield from rows

    def append(self, rows: Iterable[ManifestRow]) -> None:
        """Keeps more rows. Segments are told apart by number; a number that is taken is passed over."""
        body = packed(rows)[0]
        while True:
            self._next += 1
            key = f"{self._folder}{self._next:08d}.jsonl.gz"
            try:
                self._storage.write(self._bucket, key, body, content_type="application/gzip")
            except PreconditionFailedError:
                continue
            return
