"""What archives say of one object: its rows in their newest manifests and in runs that have not finished."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from pipeline import manifest
from pipeline.cli.live import Glance
from pipeline.errors import ConfigurationError
from pipeline.models import Manifest, ManifestRow, Place, State, UnfinishedRun
from pipeline.storage.base import Storage
from pipeline.unfinished import OpenRunNote

_Answer = TypeVar("_Answer")

_FOLDERS = 8  # an archive begins near the top of its bucket
_SEGMENTS = 10  # read one after another: still well below a second
_UNREADABLE = {"manifest_unreadable", "manifest_damaged", "open_run_unreadable"}
_LONG_AGO = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Book:
    """What an archive says of itself."""

    archive: Place
    manifest: Manifest | None
    unfinished: UnfinishedRun | None

    @property
    def recipes(self) -> list[str]:
        """The hashes of the recipes that its runs use."""
        return [run.recipe for run in [self.unfinished] if run] + [last.recipe.hash for last in [self.manifest] if last]

    @property
    def at(self) -> datetime:
        """When a run last looked at the archive, as far as is known."""
        if self.unfinished is not None:
            return self.unfinished.started_at
        return self.manifest.finished_at if self.manifest else _LONG_AGO


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row of the object, and where it was found."""

    row: ManifestRow
    source: str
    book: Book

    @property
    def rank(self) -> tuple[bool, datetime]:
        """The newest counts; a run that has left the object out says least of it."""
        return self.row.state is not State.SKIPPED, self.row.settled_at or self.book.at


@dataclass(frozen=True, slots=True)
class Library:
    """The books of the archives that may hold an object. For several threads.

    Raises what `Storage` raises; a file that is there and cannot be read is a note.
    """

    storage: Storage
    output: Place
    recording: Place
    glance: Glance
    note: Callable[[str], None]
    """Is told what cannot be read, and what was not read."""

    def book(self, archive: Place) -> Book:
        """The book of one archive."""
        last = self._tried(partial(manifest.read_latest, self.storage, self.output, archive))
        noted = self._tried(OpenRunNote(self.storage, self.output, archive).read)
        return Book(archive, last, noted.run if noted else None)

    def rows(self, book: Book) -> list[FoundRow]:
        """The rows of the object in a book."""
        found = [*self._in_unfinished(book), *self._in_manifest(book)]
        # Two buckets may share an output.
        return [one for one in found if one.row.bucket == self.recording.bucket]

    def _in_manifest(self, book: Book) -> Iterator[FoundRow]:
        last = book.manifest
        if last is None:
            return
        row = self._tried(partial(manifest.find_row, self.storage, last, self.recording.prefix))
        if row is not None:
            yield FoundRow(row, f"manifest of run {last.run_id}, {last.finished_at:%Y-%m-%d %H:%M:%SZ}", book)

    def _in_unfinished(self, book: Book) -> Iterator[FoundRow]:
        run, key = book.unfinished, self.recording.prefix
        if run is None:
            return
        source = f"rows of run {run.run_id}, which has not finished"
        if row := self.glance.unread_row(run.run_id, key):
            yield FoundRow(row, source, book)
            return
        search = manifest.find_in_segments(self.storage, self.output, book.archive, run.run_id, key, at_most=_SEGMENTS)
        if search.row is not None:
            yield FoundRow(search.row, source, book)
        elif search.unread:
            self.note(
                f"Run {run.run_id} has not finished. The newest {_SEGMENTS} segments of its rows were read; "
                f"{search.unread} older ones were not."
            )

    def _tried(self, call: Callable[[], _Answer]) -> _Answer | None:
        try:
            return call()
        except ConfigurationError as error:
            if error.reason not in _UNREADABLE:
                raise  # S3 itself refuses: no such bucket, no right to read it
            self.note(error.message)
            return None


def archives_above(recording: Place) -> list[Place]:
    """The archives that an object most likely belongs to: its bucket, and the folders above it."""
    ends = [0, *(at + 1 for at, letter in enumerate(recording.prefix) if letter == "/")]
    return [Place(bucket=recording.bucket, prefix=recording.prefix[:end]) for end in ends[:_FOLDERS]]


def own_book(books: Iterable[Book], best: FoundRow | None) -> Book | None:
    """The book that the object belongs to: that of its row, else the one that was written last."""
    if best is not None:
        return best.book
    return max((book for book in books if book.manifest or book.unfinished), key=lambda book: book.at, default=None)
