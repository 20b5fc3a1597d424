"""Brings each audio object together with its sidecar, out of one listing or out of two.

An object is held back only until the listing has passed the place where its sidecar would stand, so what waits is
bounded by the keys between `a.mp3` and `a.mp3.transcript.json`. With results in another place, both listings are read
side by side and merged. Python compares texts by code point, which is the order of their UTF-8 bytes: that of S3.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from msgspec.structs import replace

from pipeline import keys
from pipeline.discover.ranges import listed_pages
from pipeline.discover.selection import Selection
from pipeline.models import Found, Place
from pipeline.settings import S3Settings
from pipeline.storage.base import Listed, Storage


@dataclass(slots=True)
class Sighting:
    """What a listing came past; filled while `discover` runs, for messages about empty archives."""

    keys: int = 0
    audio: int = 0


def discover(
    storage: Storage,
    archive: Place,
    output: Place,
    chosen: Selection,
    settings: S3Settings,
    *,
    sighting: Sighting | None = None,
) -> Iterator[Found]:
    """Yields every audio object under the archive's prefix in key order. Raises what `listed_pages` raises."""
    seen = sighting or Sighting()
    found = chain.from_iterable(listed_pages(storage, archive, settings))
    if output == Place(bucket=archive.bucket):
        return _paired(found, chosen, seen)
    results = Place(bucket=output.bucket, prefix=output.prefix + archive.prefix)
    audio = (listed for listed in found if chosen.is_audio(listed.key))
    sidecars = _beside_audio(chain.from_iterable(listed_pages(storage, results, settings)), output.prefix)
    return _paired(heapq.merge(audio, sidecars, key=attrgetter("key")), chosen, seen)


def _beside_audio(found: Iterable[Listed], prefix: str) -> Iterator[Listed]:
    """The sidecars among the results, each under the key that it would have beside its audio."""
    for listed in found:
        if listed.key.endswith(keys.SIDECAR_SUFFIX):
            yield replace(listed, key=listed.key.removeprefix(prefix))


def _paired(found: Iterable[Listed], chosen: Selection, seen: Sighting) -> Iterator[Found]:
    waiting: deque[Found] = deque()
    by_sidecar: dict[str, Found] = {}
    is_audio, excludes = chosen.is_audio, chosen.excludes  # this loop turns for every key there is
    for listed in found:
        key = listed.key
        if keys.STATE_FOLDER in key and keys.is_ours(key):
            continue
        if key.endswith(keys.SIDECAR_SUFFIX):
            if audio := by_sidecar.get(key):
                audio.sidecar_etag = listed.etag
                if audio is waiting[0]:  # as nearly always: nothing lies between an object and its sidecar
                    yield _let_go(waiting, by_sidecar)
            else:
                seen.keys += 1
            continue
        while waiting and waiting[0].key + keys.SIDECAR_SUFFIX < key:
            yield _let_go(waiting, by_sidecar)
        seen.keys += 1
        if is_audio(key):
            seen.audio += 1
            audio = Found(key, listed.etag, listed.size_bytes, listed.last_modified, excluded=excludes(key))
            waiting.append(audio)
            by_sidecar[key + keys.SIDECAR_SUFFIX] = audio
    while waiting:
        yield _let_go(waiting, by_sidecar)


def _let_go(waiting: deque[Found], by_sidecar: dict[str, Found]) -> Found:
    audio = waiting.popleft()
    del by_sidecar[audio.key + keys.SIDECAR_SUFFIX]
    return audio
