"""Stage 1: an archive's listing to a stream of audio objects, each with the sidecar seen in the same listing.

    s3://BUCKET/PREFIX ─LIST pages─▶ Found(object, sidecar ETag or None), in key order

No request per object (I7), constant memory (I6): an object is held back only until the listing has passed the
place where its sidecar would stand, so what waits is bounded by the keys between `a.mp3` and
`a.mp3.transcript.json`. With results in another place, both listings are read side by side and merged.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from pipeline import keys
from pipeline.models import AudioObject, Found, Place
from pipeline.settings import AudioSettings
from pipeline.storage.base import Listed, Storage


@dataclass(frozen=True, slots=True)
class Selection:
    """Which keys count: audio by extension, then the user's globs (matched against the whole key)."""

    extensions: tuple[str, ...]
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def is_audio(self, key: str) -> bool:
        """Whether the key ends like an audio file."""
        _, dot, extension = key.rpartition(".")
        return bool(dot) and extension.lower() in self.extensions

    def excludes(self, key: str) -> bool:
        """Whether the user's globs leave the key out."""
        if self.include and not any(fnmatchcase(key, glob) for glob in self.include):
            return True
        return any(fnmatchcase(key, glob) for glob in self.exclude)


def selection(settings: AudioSettings, include: tuple[str, ...], exclude: tuple[str, ...]) -> Selection:
    """The selection that settings and the command line ask for."""
    return Selection(tuple(extension.lower() for extension in settings.extensions), include, exclude)


@dataclass(slots=True)
class Sighting:
    """What a listing came past; filled while `discover` runs, for messages about empty archives."""

    keys: int = 0
    audio: int = 0


def discover(
    storage: Storage, archive: Place, output: Place, chosen: Selection, sighting: Sighting | None = None
) -> Iterator[Found]:
    """Yields every audio object under the archive's prefix in key order."""
    seen = sighting or Sighting()
    waiting: deque[_Held] = deque()
    by_sidecar: dict[str, _Held] = {}
    for entry in _listings(storage, archive, output, chosen):
        while waiting and waiting[0].sidecar_order < entry.order:
            yield _let_go(waiting, by_sidecar)
        if entry.is_audio:
            seen.keys += 1
            seen.audio += 1
            held = _Held(_audio(archive.bucket, entry.listed, chosen), entry.listed.key + keys.SIDECAR_SUFFIX)
            waiting.append(held)
            by_sidecar[held.sidecar_name] = held
        elif held_audio := by_sidecar.get(entry.name):
            held_audio.found = replace(held_audio.found, sidecar_etag=entry.listed.etag)
        else:
            seen.keys += 1
    while waiting:
        yield _let_go(waiting, by_sidecar)


@dataclass(slots=True)
class _Held:
    """An audio object that waits for its sidecar to be passed."""

    found: Found
    sidecar_name: str
    sidecar_order: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.sidecar_order = self.sidecar_name.encode()


@dataclass(slots=True)
class _Entry:
    """A listed key under its name relative to where the listing's keys are anchored."""

    order: bytes
    name: str
    listed: Listed
    is_audio: bool


def _let_go(waiting: deque[_Held], by_sidecar: dict[str, _Held]) -> Found:
    held = waiting.popleft()
    del by_sidecar[held.sidecar_name]
    return held.found


def _audio(bucket: str, listed: Listed, chosen: Selection) -> Found:
    audio = AudioObject(
        bucket=bucket,
        key=listed.key,
        etag=listed.etag,
        size_bytes=listed.size_bytes,
        last_modified=listed.last_modified,
    )
    return Found(audio, excluded=chosen.excludes(listed.key))


def _listings(storage: Storage, archive: Place, output: Place, chosen: Selection) -> Iterator[_Entry]:
    """The archive's listing, merged in key order with the results' own when they lie elsewhere."""

    def audio_or_sidecar(listed: Listed) -> _Entry | None:
        if keys.is_ours(listed.key):
            return None
        return _Entry(listed.key.encode(), listed.key, listed, chosen.is_audio(listed.key))

    if output == Place(bucket=archive.bucket):
        yield from _entries(storage, archive, audio_or_sidecar)
        return

    def audio_only(listed: Listed) -> _Entry | None:
        entry = audio_or_sidecar(listed)
        return entry if entry and entry.is_audio else None

    def sidecar_only(listed: Listed) -> _Entry | None:
        name = listed.key.removeprefix(output.prefix)
        return _Entry(name.encode(), name, listed, is_audio=False) if name.endswith(keys.SIDECAR_SUFFIX) else None

    results = Place(bucket=output.bucket, prefix=output.prefix + archive.prefix)
    yield from heapq.merge(
        _entries(storage, archive, audio_only), _entries(storage, results, sidecar_only), key=lambda entry: entry.order
    )


def _entries(storage: Storage, place: Place, entry_of: Callable[[Listed], _Entry | None]) -> Iterator[_Entry]:
    for listed in storage.list(place.bucket, place.prefix):
        if entry := entry_of(listed):
            yield entry
