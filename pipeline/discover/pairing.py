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
from operator import attrgetter

import msgspec

from pipeline import keys
from pipeline.discover.ranges import listing
from pipeline.discover.selection import Selection
from pipeline.errors import ConfigurationError
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
    """Yields every audio object under the archive's prefix in key order.

    Raises `ConfigurationError` for a store that lists in another order, and what `Storage` raises.
    """
    seen = sighting or Sighting()
    found = _in_order(listing(storage, archive, settings), archive)
    if output == Place(bucket=archive.bucket):
        return _paired(_entries(found, chosen), chosen, seen)
    results = Place(bucket=output.bucket, prefix=output.prefix + archive.prefix)
    sidecars = _sidecars(_in_order(listing(storage, results, settings), results), output.prefix)
    audio = (entry for entry in _entries(found, chosen) if entry.is_audio)
    return _paired(heapq.merge(audio, sidecars, key=attrgetter("name")), chosen, seen)


class _Entry(msgspec.Struct, gc=False):
    """A listed key; a sidecar under the name that it would have beside its audio."""

    name: str
    listed: Listed
    is_audio: bool
    sidecar_name: str = ""
    sidecar_etag: str | None = None


def _entries(found: Iterable[Listed], chosen: Selection) -> Iterator[_Entry]:
    is_ours, is_audio = keys.is_ours, chosen.is_audio
    for listed in found:
        key = listed.key
        if not is_ours(key):
            yield _Entry(key, listed, is_audio(key))


def _sidecars(found: Iterable[Listed], prefix: str) -> Iterator[_Entry]:
    for listed in found:
        if listed.key.endswith(keys.SIDECAR_SUFFIX):
            yield _Entry(listed.key.removeprefix(prefix), listed, is_audio=False)


def _in_order(found: Iterable[Listed], place: Place) -> Iterator[Listed]:
    before = ""
    for listed in found:
        if listed.key <= before:
            raise ConfigurationError(
                f"The store lists {place.uri} in an order of its own ({listed.key!r} after {before!r}), and a plan "
                "needs that of UTF-8 bytes, as S3 keeps it. Set NIGHTSCRIBE_S3_LISTS_IN_ORDER=false: listings are then "
                "sorted on this machine's disk.",
                "listing_unordered",
            )
        before = listed.key
        yield listed


def _paired(entries: Iterable[_Entry], chosen: Selection, seen: Sighting) -> Iterator[Found]:
    waiting: deque[_Entry] = deque()
    by_sidecar: dict[str, _Entry] = {}
    for entry in entries:
        name = entry.name
        while waiting and waiting[0].sidecar_name < name:
            yield _let_go(waiting, by_sidecar, chosen)
        if entry.is_audio:
            seen.keys += 1
            seen.audio += 1
            entry.sidecar_name = name + keys.SIDECAR_SUFFIX
            waiting.append(entry)
            by_sidecar[entry.sidecar_name] = entry
        elif audio := by_sidecar.get(name):
            audio.sidecar_etag = entry.listed.etag
        else:
            seen.keys += 1
    while waiting:
        yield _let_go(waiting, by_sidecar, chosen)


def _let_go(waiting: deque[_Entry], by_sidecar: dict[str, _Entry], chosen: Selection) -> Found:
    entry = waiting.popleft()
    del by_sidecar[entry.sidecar_name]
    listed = entry.listed
    return Found(
        listed.key,
        listed.etag,
        listed.size_bytes,
        listed.last_modified,
        entry.sidecar_etag,
        chosen.excludes(listed.key),
    )
