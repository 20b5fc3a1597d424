"""Brings each audio object together with its sidecar, out of one listing or out of two, a page at a time.

An object is held back only until the listing has passed the place where its sidecar would stand, so what waits is
bounded by the keys between `a.mp3` and `a.mp3.transcript.json`. With results in another place, both listings are read
side by side. Python compares texts by code point, which is the order of their UTF-8 bytes: that of S3.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import compress

from pipeline import keys
from pipeline.discover.ranges import listed_pages
from pipeline.discover.selection import Selection
from pipeline.models import Place, Stretch
from pipeline.settings import S3Settings
from pipeline.storage.base import Columns, Storage

_FEW = 2000  # sidecars ahead of their audio: two pages


@dataclass(slots=True)
class Sighting:
    """What a listing came past; filled while `discover` runs, for messages about empty archives."""

    keys: int = 0
    """Sidecars are none of them."""
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
        others, beside = _parted(_without_state(page))
        sidecars |= beside
        if (audio := _audio_of(others, chosen, seen)).keys:
            waiting.append(audio)
        passed = list(_passed(waiting, page.keys[-1]))
        yield from (_paired(piece, sidecars, chosen) for piece in passed)
        if not waiting:
            sidecars = {}
        elif passed:
            first = waiting[0].keys[0]
            sidecars = {key: etag for key, etag in sidecars.items() if key >= first}
    yield from (_paired(piece, sidecars, chosen) for piece in waiting)


def _passed(waiting: deque[Columns], last: str) -> Iterator[Columns]:
    """Takes away what waits no longer: the listing has come to a key behind its sidecar."""
    while waiting:
        audio = waiting.popleft()
        count = len(audio.keys)
        # Whatever is not passed is how the last key begins; what follows it waits for its turn.
        if last.startswith(tuple(audio.keys)):
            count = next((n for n, key in enumerate(audio.keys) if key + keys.SIDECAR_SUFFIX > last), count)
        if count:
            yield audio.upto(count)
        if count < len(audio.keys):
            waiting.appendleft(audio.behind(count))
            return


def _apart(pages: Iterable[Columns], results: _Sidecars, chosen: Selection, seen: Sighting) -> Iterator[Stretch]:
    """Objects out of one listing, sidecars out of another."""
    for page in pages:
        others, _ = _parted(_without_state(page))
        audio = _audio_of(others, chosen, seen)
        if audio.keys:
            yield _paired(audio, results.of(audio.keys), chosen)


@dataclass(slots=True)
class _Sidecars:
    """The sidecars in a listing of results, read as far as they are asked for."""

    pages: Iterator[Columns]
    prefix: str
    """What stands in front of the audio's own key."""
    _ahead: dict[str, str] = field(default_factory=dict)
    """Those of objects that were not asked for yet, by the key of their audio: hardly more than a page, and orphans."""
    _passed: str | None = ""
    """The key that the listing has come to, without the prefix; None: it has ended."""
    _most: int = _FEW
    """So many are kept before orphans are looked for."""

    def of(self, audio: list[str]) -> dict[str, str]:
        """The ETags of the sidecars of these objects, which follow all those that were asked for before."""
        last = max(key + keys.SIDECAR_SUFFIX for key in audio)
        while self._passed is not None and self._passed < last:
            page = next(self.pages, None)
            self._passed = None if page is None else page.keys[-1].removeprefix(self.prefix)
            if page is not None:
                self._ahead |= _parted(page, self.prefix)[1]
                self._forget_orphans(audio[0])
        return {key: self._ahead.pop(key) for key in audio if key in self._ahead}

    def _forget_orphans(self, first: str) -> None:
        """Those before a key are nobody's. Looked for now and then, so that not each page goes through all of it."""
        if len(self._ahead) > self._most:
            self._ahead = {key: etag for key, etag in self._ahead.items() if key >= first}
            self._most = _FEW + 2 * len(self._ahead)


def _without_state(page: Columns) -> Columns:
    """Without what Nightscribe keeps beside the results."""
    if keys.STATE_FOLDER not in "".join(page.keys):
        return page
    return page.only([not keys.is_ours(key) for key in page.keys])


def _parted(page: Columns, prefix: str = "") -> tuple[Columns, dict[str, str]]:
    """What is no sidecar; and the ETags of the sidecars, by the key of their audio: behind the prefix."""
    is_sidecar = [key.endswith(keys.SIDECAR_SUFFIX) for key in page.keys]
    begin, end = len(prefix), -len(keys.SIDECAR_SUFFIX)
    names = [key[begin:end] for key in compress(page.keys, is_sidecar)]
    sidecars = dict(zip(names, compress(page.etags, is_sidecar), strict=True))
    return (page.only([not each for each in is_sidecar]) if sidecars else page), sidecars


def _audio_of(page: Columns, chosen: Selection, seen: Sighting) -> Columns:
    is_audio = chosen.are_audio(page.keys)
    audio = page if all(is_audio) else page.only(is_audio)
    seen.keys += len(page.keys)
    seen.audio += len(audio.keys)
    return audio


def _paired(audio: Columns, sidecars: dict[str, str], chosen: Selection) -> Stretch:
    etags = list(map(sidecars.get, audio.keys))
    return Stretch(*audio, etags, chosen.are_excluded(audio.keys), [None] * len(etags))
