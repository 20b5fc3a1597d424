"""Brings each audio object together with its sidecar, out of one listing or out of two, a page at a time.

An object is held back only until the listing has passed the place where its sidecar would stand, so what waits is
bounded by the keys between `a.mp3` and `a.mp3.transcript.json`. With results in another place, both listings are read
side by side. Python compares texts by code point, which is the order of their UTF-8 bytes: that of S3.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pipeline import keys
from pipeline.discover.ranges import listed_pages
from pipeline.discover.selection import Selection
from pipeline.models import Place, Stretch
from pipeline.settings import S3Settings
from pipeline.storage.base import Columns, Storage


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
) -> Iterator[Stretch]:
    """Yields every audio object under the archive's prefix in key order. Raises what `listed_pages` raises."""
    seen = sighting or Sighting()
    pages = listed_pages(storage, archive, settings)
    if output == Place(bucket=archive.bucket):
        return _beside(pages, chosen, seen)
    results = Place(bucket=output.bucket, prefix=output.prefix + archive.prefix)
    return _apart(pages, _Sidecars(listed_pages(storage, results, settings), output.prefix), chosen, seen)


def _beside(pages: Iterable[Columns], chosen: Selection, seen: Sighting) -> Iterator[Stretch]:
    """Objects and sidecars out of the same listing."""
    waiting: deque[Columns] = deque()
    sidecars: dict[str, str] = {}
    for page in pages:
        ours = _without_state(page)
        seen.keys += len(ours.keys)
        sidecars |= _sidecars_of(ours, "")
        if (audio := _audio_of(ours, chosen, seen)).keys:
            waiting.append(audio)
        passed = list(_passed(waiting, page.keys[-1]))
        yield from (_paired(piece, sidecars, chosen) for piece in passed)
        if passed or not waiting:
            sidecars = {key: etag for key, etag in sidecars.items() if waiting and key >= waiting[0].keys[0]}
    yield from (_paired(piece, sidecars, chosen) for piece in waiting)


def _passed(waiting: deque[Columns], last: str) -> Iterator[Columns]:
    """Takes away what waits no longer: the listing has come to a key behind its sidecar."""
    while waiting:
        audio = waiting.popleft()
        # Whatever is not passed is how the last key begins, and so is all that follows it.
        count = next((n for n, key in enumerate(audio.keys) if key + keys.SIDECAR_SUFFIX > last), len(audio.keys))
        if count:
            yield audio.upto(count)
        if count < len(audio.keys):
            waiting.appendleft(audio.behind(count))
            return


def _apart(pages: Iterable[Columns], results: _Sidecars, chosen: Selection, seen: Sighting) -> Iterator[Stretch]:
    """Objects out of one listing, sidecars out of another."""
    for page in pages:
        ours = _without_state(page)
        seen.keys += len(ours.keys)
        audio = _audio_of(ours, chosen, seen)
        if audio.keys:
            yield _paired(audio, results.of(audio.keys), chosen)


@dataclass(slots=True)
class _Sidecars:
    """The sidecars in a listing of results, read as far as they are asked for."""

    pages: Iterator[Columns]
    prefix: str
    """What stands in front of the audio's own key."""
    _ahead: dict[str, str] = field(default_factory=dict)
    """Those of objects that were not asked for yet, by the key of their audio: hardly more than a page."""
    _passed: str | None = ""
    """The key that the listing has come to, without the prefix; None: it has ended."""

    def of(self, audio: list[str]) -> dict[str, str]:
        """The ETags of the sidecars of these objects, which follow all those that were asked for before."""
        wanted, last = set(audio), max(key + keys.SIDECAR_SUFFIX for key in audio)
        listed, found, self._ahead = self._ahead, dict[str, str](), {}
        while True:
            found |= {key: etag for key, etag in listed.items() if key in wanted}
            self._ahead |= {key: etag for key, etag in listed.items() if key > audio[-1]}
            if self._passed is None or self._passed >= last:
                return found
            page = next(self.pages, None)
            listed = {} if page is None else _sidecars_of(page, self.prefix)
            self._passed = None if page is None else page.keys[-1].removeprefix(self.prefix)


def _without_state(page: Columns) -> Columns:
    """Without what Nightscribe keeps beside the results."""
    if not any(keys.STATE_FOLDER in key for key in page.keys):
        return page
    others = [not keys.is_ours(key) for key in page.keys]
    return page.only(others)


def _sidecars_of(page: Columns, prefix: str) -> dict[str, str]:
    """The ETags of sidecars, by the key of their audio."""
    begin, end = len(prefix), -len(keys.SIDECAR_SUFFIX)
    named = zip(page.keys, page.etags, strict=True)
    return {key[begin:end]: etag for key, etag in named if key.endswith(keys.SIDECAR_SUFFIX)}


def _audio_of(page: Columns, chosen: Selection, seen: Sighting) -> Columns:
    is_audio = chosen.are_audio(page.keys)
    if "json" in chosen.extensions:
        named = zip(is_audio, page.keys, strict=True)
        is_audio = [is_it and not key.endswith(keys.SIDECAR_SUFFIX) for is_it, key in named]
    audio = page.only(is_audio)
    seen.audio += len(audio.keys)
    return audio


def _paired(audio: Columns, sidecars: dict[str, str], chosen: Selection) -> Stretch:
    etags = list(map(sidecars.get, audio.keys))
    return Stretch(*audio, etags, chosen.are_excluded(audio.keys), [None] * len(etags))
