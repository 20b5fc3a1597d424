"""Looks up all that is stored about one object: a few requests to S3, at the same time where they can be, and Redis.

    object, sidecar, and of each archive that may hold it: newest manifest, unfinished run
      └▶ its row: one part, the newest segments
           └▶ intents and kept transcripts of its jobs ─▶ live state

Only S3 must answer. What cannot be read otherwise becomes a note.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError

from pipeline import keys
from pipeline.cli.books import Book, FoundRow, Library, archives_above, own_book
from pipeline.cli.live import Glance, archive_of
from pipeline.discover import selection
from pipeline.explain import Findings, Live, Unplaced
from pipeline.models import AudioObject, Intent, Place, Sidecar, SidecarStamp
from pipeline.ownership import stamp_at
from pipeline.settings import Settings
from pipeline.storage.base import Storage
from pipeline.transcribe import intents

_Kept = TypeVar("_Kept", Sidecar, Intent)

_AT_ONCE = 16  # requests to S3 at the same time; S3 allows thousands, and an object seldom needs more


@dataclass(frozen=True, slots=True)
class Question:
    """What is looked for. `archive` is the one that the user names."""

    recording: Place
    output: Place
    archive: Place | None
    recipe_hash: str
    """Of the recipe in force."""


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands at the sidecar's place."""

    stamp: SidecarStamp | None = None
    sidecar: Sidecar | None = None
    is_foreign: bool = False


@dataclass
class Lookup:
    """One look at one object."""

    storage: Storage
    settings: Settings
    question: Question
    glance: Glance
    now: datetime
    _notes: list[str] = field(default_factory=list)

    def findings(self) -> Findings:
        """All that is known of the object. Raises what `Storage` raises."""
        asked = self.question
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            asked_audio, asked_sidecar = pool.submit(self._audio), pool.submit(self._beside)
            books, best = self._books(pool)
            audio, beside = asked_audio.result(), asked_sidecar.result()
            job_ids = _job_ids(asked, audio, beside.stamp, best, books)
            unplaced, stored = pool.map(self._unplaced, job_ids), pool.map(self._intent, job_ids)
            live = self.glance.live(job_ids)
        kept = tuple(filter(None, stored))
        book = own_book(books, best)
        return Findings(
            recording=asked.recording,
            archive=self._archive(book, live),
            output=asked.output,
            is_audio=self._is_audio(),
            now=self.now,
            audio=audio,
            stamp=beside.stamp,
            sidecar=beside.sidecar,
            has_foreign_sidecar=beside.is_foreign,
            unplaced=tuple(filter(None, unplaced)),
            intents=kept,
            decided_at=self._decided_at(kept),
            row=best.row if best else None,
            row_source=best.source if best else "",
            unfinished=book.unfinished if book else None,
            live=live,
            notes=(*self._notes, *filter(None, [self.glance.note])),
        )

    def _archive(self, book: Book | None, live: Live | None) -> Place:
        """The archive that commands should name."""
        if live and live.run and live.job_id:
            return archive_of(live.run)
        return book.archive if book else self.question.archive or Place(bucket=self.question.recording.bucket)

    def _audio(self) -> AudioObject | None:
        place = self.question.recording
        head = self.storage.head(place.bucket, place.prefix)
        if head is None:
            return None
        # As the listing shows it, for that is what a job is about: without a version id.
        return AudioObject(
            bucket=place.bucket,
            key=place.prefix,
            etag=head.etag,
            size_bytes=head.size_bytes,
            last_modified=head.last_modified,
        )

    def _is_audio(self) -> bool:
        key = self.question.recording.prefix
        return selection(self.settings.audio, (), ()).is_audio(key) and not keys.is_ours(key)

    def _beside(self) -> _Beside:
        bucket = self.question.output.bucket
        key = keys.sidecar_key(self.question.output, self.question.recording.prefix)
        head = self.storage.head(bucket, key) if keys.fits(key) else None
        if head is None:
            return _Beside()
        stamp = stamp_at(self.storage, bucket, key, head)
        return _Beside(stamp, self._read(bucket, key, Sidecar)) if stamp else _Beside(is_foreign=True)

    def _books(self, pool: ThreadPoolExecutor) -> tuple[list[Book], FoundRow | None]:
        """The archives that may hold the object, and the row that counts."""
        asked = self.question
        library = Library(self.storage, asked.output, asked.recording, self.glance, self._notes.append)
        in_runs = pool.submit(self.glance.archives)
        archives = [asked.archive] if asked.archive else archives_above(asked.recording)
        books = list(pool.map(library.book, archives))
        if asked.archive is None:
            books += pool.map(library.book, [archive for archive in in_runs.result() if archive not in archives])
        in_runs.result()
        found = [row for rows in pool.map(library.rows, books) for row in rows]
        return books, max(found, key=lambda one: one.rank, default=None)

    def _intent(self, job_id: str) -> Intent | None:
        return self._read(self.question.output.bucket, keys.intent_key(self.question.output, job_id), Intent)

    def _unplaced(self, job_id: str) -> Unplaced | None:
        output = self.question.output
        key = keys.unplaced_key(output, job_id)
        kept = self._read(output.bucket, key, Sidecar)
        return Unplaced(f"s3://{output.bucket}/{key}", kept) if kept else None

    def _decided_at(self, kept: Iterable[Intent]) -> dict[str, datetime]:
        if not self.settings.fal.platform_url:  # there is no history to ask
            return {}
        known = {intent.job_id: intents.free_at(intent, self.settings) for intent in kept}
        return {job_id: moment for job_id, moment in known.items() if moment is not None}

    def _read(self, bucket: str, key: str, kind: type[_Kept]) -> _Kept | None:
        stored = self.storage.read(bucket, key)
        if stored is None:
            return None
        try:
            return kind.model_validate_json(stored.body)
        except ValidationError:
            self._notes.append(f"s3://{bucket}/{key} cannot be read by this version of Nightscribe.")
            return None


def _job_ids(
    asked: Question,
    audio: AudioObject | None,
    stamp: SidecarStamp | None,
    best: FoundRow | None,
    books: Iterable[Book],
) -> list[str]:
    """The jobs that the object may have: those that something names, and one per recipe in use."""
    named = [stamp.job_id if stamp else None, best.row.job_id if best else None]
    recipes = [asked.recipe_hash, *(recipe for book in books for recipe in book.recipes)]
    derived = [keys.job_id_of(audio, recipe) for recipe in recipes] if audio else []
    return [job_id for job_id in dict.fromkeys([*named, *derived]) if job_id]
