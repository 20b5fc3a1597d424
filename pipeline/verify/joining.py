"""Brings together what three streams say of a key: the row, the audio object and the sidecar.

All come in key order, and a sidecar's key stands behind that of its audio: what belongs to a key is held back until the
listing has passed the place of its sidecar, as `discover` does, and for the same reason in constant memory.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter

from pipeline import keys
from pipeline.models import Place, RememberedRow
from pipeline.storage.base import Listed
from pipeline.verify.differences import Difference
from pipeline.verify.parts import Gap, Told


@dataclass(frozen=True, slots=True)
class Listings:
    """What lies in S3, in key order. `results` is the listing of the results when they do not lie beside the audio."""

    archive: Iterable[Listed]
    is_audio: Callable[[str], bool]
    results: Iterable[Listed] | None = None


@dataclass(slots=True, eq=False)
class Case:
    """All that is there under the key of an audio object."""

    key: str
    row: RememberedRow | None = None
    audio: Listed | None = None
    sidecar: Listed | None = None


_Payload = Told | Listed
_Entry = tuple[str, int, _Payload]
_ROW, _AUDIO, _SIDECAR = range(3)  # of one name: the row and the object meet before anything is let go


def joined(rows: Iterator[Told], listings: Listings, output: Place) -> Iterator[Case | Difference | Gap]:
    """Yields one case per key, in key order; what is wrong with the rows comes in between.

    A sidecar that stands alone is a case under the key that its audio would have, at the place of its own.
    """
    hall = _Hall(listings.is_audio)
    for name, kind, payload in heapq.merge(_row_entries(rows), _listed(listings, output), key=itemgetter(0, 1)):
        while hall.waiting and hall.is_complete(name):
            yield hall.let_go()
        hall.take(name, kind, payload)
    while hall.waiting:
        yield hall.let_go()


class _Hall:
    """Where cases wait, in key order, for what the streams may still say of them."""

    def __init__(self, is_audio: Callable[[str], bool]) -> None:
        self.waiting: deque[Case | Difference | Gap] = deque()
        self._is_audio = is_audio
        self._by_sidecar: dict[str, Case] = {}
        self._latest = Case("")  # the one with the greatest key

    def is_complete(self, name: str) -> bool:
        """Whether nothing more belongs to the first one, now that the streams have come to this name."""
        first = self.waiting[0]
        if not isinstance(first, Case) or (first.row is None and first.audio is None):
            return True
        return first.key + keys.SIDECAR_SUFFIX < name

    def let_go(self) -> Case | Difference | Gap:
        """Takes the first one out."""
        first = self.waiting.popleft()
        if isinstance(first, Case):
            self._by_sidecar.pop(first.key + keys.SIDECAR_SUFFIX, None)
        return first

    def take(self, name: str, kind: int, payload: _Payload) -> None:
        """Takes what a stream says in."""
        if isinstance(payload, Difference | Gap):
            self.waiting.append(payload)
        elif isinstance(payload, RememberedRow):
            self._at(name).row = payload
        elif kind == _AUDIO:
            self._at(name).audio = payload
        elif case := self._by_sidecar.get(name):
            case.sidecar = payload
        elif self._is_audio(key := name.removesuffix(keys.SIDECAR_SUFFIX)):
            self.waiting.append(Case(key, sidecar=payload))

    def _at(self, key: str) -> Case:
        """The case of a row or an object; both come one behind the other."""
        if self._latest.key != key or not key:
            self._latest = Case(key)
            self._by_sidecar[key + keys.SIDECAR_SUFFIX] = self._latest
            self.waiting.append(self._latest)
        return self._latest


def _row_entries(rows: Iterator[Told]) -> Iterator[_Entry]:
    at = ""
    for told in rows:
        at = told.key if isinstance(told, RememberedRow) else at  # what is wrong is told where it was met
        yield at, _ROW, told


def _listed(listings: Listings, output: Place) -> Iterator[_Entry]:
    """Audio and sidecars, each under the name that it has, or would have, beside the audio."""
    if listings.results is None:
        return _entries(listings.archive, listings.is_audio, takes_sidecars=True)
    return heapq.merge(
        _entries(listings.archive, listings.is_audio, takes_sidecars=False),
        _entries(listings.results, lambda _: False, takes_sidecars=True, prefix=output.prefix),
        key=itemgetter(0, 1),
    )


def _entries(
    found: Iterable[Listed], is_audio: Callable[[str], bool], *, takes_sidecars: bool, prefix: str = ""
) -> Iterator[_Entry]:
    for listed in found:
        name = listed.key.removeprefix(prefix)
        if keys.is_ours(name):
            continue
        if is_audio(name):
            yield name, _AUDIO, listed
        elif takes_sidecars and name.endswith(keys.SIDECAR_SUFFIX):
            yield name, _SIDECAR, listed
