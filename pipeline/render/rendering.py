"""Makes the derived files of each case, many at once; what cannot be made is named and harms nobody else."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from pydantic import ValidationError

from pipeline.cancellation import CancellationToken
from pipeline.derived import Became, DerivedFile, Source
from pipeline.errors import ConfigurationError
from pipeline.models import Format, Place, Sidecar
from pipeline.render.gathering import Case
from pipeline.storage.base import Head, Listed, Storage

_AT_ONCE = 32
"""Cases under way at once, for most of them only wait for a HEAD; half the connections of `[s3]`."""
_READ_AT_ONCE = 8
"""Sidecars in memory at once: some 15 MB for an hour of speech with its words. Their parsing fills a processor."""
_LARGE_BYTES = 8_000_000
"""Sidecars larger than this are read one at a time."""
_LARGEST_BYTES = 256_000_000
"""Days of speech with word times are smaller. What is larger is not read into memory."""
_TALLY_EVERY = 100  # cases


class Mode(Enum):
    """Which derived files are written."""

    CHANGED = "changed"
    """What is missing, and what was made from another sidecar or by another version."""
    MISSING = "missing"
    """Only what the listing does not show; nothing else is looked at."""
    ALL = "all"
    """What is current, too."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A file that could not be made, or not be made from. `key` is a whole S3 key, as it is."""

    kind: str
    """The stable name: `foreign_file`, `sidecar_unreadable`."""
    key: str
    detail: str


@dataclass(slots=True)
class Tally:
    """What was done so far; one object, filled while the stage runs."""

    transcripts: int = 0
    written: int = 0
    """Files; so are the following."""
    unchanged: int = 0
    foreign: int = 0
    """Somebody else's, left alone."""
    unreadable: int = 0
    """Sidecars."""
    at: str = ""
    """The audio's key of the last transcript."""


@dataclass(slots=True)
class _Done:
    """What became of one case."""

    audio_key: str
    written: int
    unchanged: int
    troubles: list[Trouble]


def render(
    storage: Storage,
    cases: Iterable[Case],
    output: Place,
    kinds: Sequence[Format],
    *,
    mode: Mode,
    cancel: CancellationToken,
) -> Generator[Trouble | Tally]:
    """Writes the derived files; yields every trouble in the order of the cases, the tally now and then and at the end.

    `cancel` is set when this ends early, so that what waits in the background ends too. Raises what `Storage` raises.
    """
    tally = Tally()
    desk = _Desk(storage, output, kinds, mode)
    coming = iter(cases)
    under_way: deque[Future[_Done]] = deque()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="render") as threads:
        try:
            # More than are at work, so that one that takes long holds nobody up.
            under_way.extend(threads.submit(desk.work, case) for case in islice(coming, 4 * _AT_ONCE))
            while under_way:
                done = under_way.popleft().result()
                under_way.extend(threads.submit(desk.work, case) for case in islice(coming, 1))
                _count(tally, done)
                yield from done.troubles
                if tally.transcripts % _TALLY_EVERY == 0:
                    yield tally
        except BaseException:
            cancel.cancel()
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    yield tally


def _count(tally: Tally, done: _Done) -> None:
    tally.transcripts += 1
    tally.at = done.audio_key
    tally.written += done.written
    tally.unchanged += done.unchanged
    for trouble in done.troubles:
        tally.foreign += trouble.kind == "foreign_file"
        tally.unreadable += trouble.kind == "sidecar_unreadable"


class _Desk:
    """Works on one case at a time, in any thread."""

    def __init__(self, storage: Storage, output: Place, kinds: Sequence[Format], mode: Mode) -> None:
        self._storage = storage
        self._output = output
        self._kinds = kinds
        self._mode = mode
        self._readers = threading.Semaphore(_READ_AT_ONCE)
        self._large = threading.Lock()

    def work(self, case: Case) -> _Done:
        """Looks at what is there, and makes what is to be made."""
        done = _Done(case.audio_key, 0, 0, [])
        wanted: list[tuple[DerivedFile, Head | None]] = []
        for kind in self._kinds:
            file = DerivedFile.of(self._output, case.audio_key, kind)
            listed = case.files.get(kind)
            # The sidecar is read after this look: so a newer file is never replaced by an older one.
            head = self._storage.head(file.bucket, file.key) if listed and self._mode is not Mode.MISSING else None
            if head is not None and file.is_foreign(head):
                done.troubles.append(_foreign(file))
            elif listed and (self._mode is Mode.MISSING or (head and self._is_current(file, head, case.sidecar.etag))):
                done.unchanged += 1
            else:
                wanted.append((file, head))
        if wanted:
            with self._readers, self._large if case.sidecar.size_bytes > _LARGE_BYTES else nullcontext():
                self._make(case.sidecar, wanted, done)
        return done

    def _make(self, listed: Listed, wanted: Iterable[tuple[DerivedFile, Head | None]], done: _Done) -> None:
        source = self._read(listed)
        if isinstance(source, str):
            done.troubles.append(Trouble("sidecar_unreadable", listed.key, source))
            return
        for file, head in wanted:
            if head is not None and self._is_current(file, head, source.etag):  # it has come after the listing
                done.unchanged += 1
                continue
            try:
                became = file.write(self._storage, source, head)
            except ValueError as error:
                done.troubles.append(Trouble("sidecar_unreadable", listed.key, str(error)))
                return
            done.written += became is Became.WRITTEN
            done.unchanged += became is Became.OVERTAKEN
            if became is Became.FOREIGN:
                done.troubles.append(_foreign(file))

    def _is_current(self, file: DerivedFile, head: Head, sidecar_etag: str) -> bool:
        return self._mode is not Mode.ALL and file.is_current(head, sidecar_etag)

    def _read(self, listed: Listed) -> Source | str:
        """The sidecar; what is wrong with it, when it cannot be rendered.

        Its seal is not looked at: who corrects a transcript by hand wants the captions of what he has written.
        """
        if listed.size_bytes > _LARGEST_BYTES:
            return f"has {listed.size_bytes} bytes: it is no sidecar"
        try:
            stored = self._storage.read(self._output.bucket, listed.key)
        except ConfigurationError as error:  # this object alone, perhaps: archived, or encrypted with another key
            return error.message
        if stored is None:
            return "was deleted after it was listed"
        try:
            return Source(Sidecar.model_validate_json(stored.body), stored.etag)
        except ValidationError as error:
            return f"is not a transcript that this version of Nightscribe can read ({error.error_count()} faults)"


def _foreign(file: DerivedFile) -> Trouble:
    return Trouble("foreign_file", file.key, "was not written by Nightscribe, or was edited since; it was left alone")
