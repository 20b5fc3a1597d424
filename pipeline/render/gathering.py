"""Brings each sidecar of a listing together with the derived files that lie beside it.

In key order some of them stand before the sidecar and some behind it. What belongs to an audio is held back until the
listing has passed the last of these places, so what waits is bounded by the keys between `a.mp3.podcast.json` and
`a.mp3.vtt`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from pipeline import keys
from pipeline.models import Format, Place
from pipeline.storage.base import Listed

_SUFFIXES: dict[str, Format | None] = {
    keys.SIDECAR_SUFFIX: None,
    **{suffix: kind for kind, suffix in keys.DERIVED_SUFFIXES.items()},
}
_ANY = tuple(_SUFFIXES)
_LAST = max(_ANY)


@dataclass(slots=True, eq=False)
class Case:
    """What lies in S3 for one transcript."""

    audio_key: str
    sidecar: Listed
    files: dict[Format, Listed]


@dataclass(slots=True, eq=False)
class _Waiting:
    audio_key: str
    sidecar: Listed | None = None
    files: dict[Format, Listed] = field(default_factory=dict)


def gathered(found: Iterable[Listed], output: Place, is_wanted: Callable[[str], bool]) -> Iterator[Case]:
    """Yields one case per sidecar whose audio's key is wanted. `found` comes in key order."""
    waiting: deque[_Waiting] = deque()
    by_audio: dict[str, _Waiting] = {}
    for listed in found:
        name = listed.key.removeprefix(output.prefix)
        while waiting and waiting[0].audio_key + _LAST < name:
            yield from _let_go(waiting, by_audio)
        suffix = next((suffix for suffix in _ANY if name.endswith(suffix)), None)
        if suffix is None or keys.is_ours(name) or not is_wanted(audio_key := name.removesuffix(suffix)):
            continue
        if audio_key not in by_audio:
            by_audio[audio_key] = _Waiting(audio_key)
            waiting.append(by_audio[audio_key])
        kind = _SUFFIXES[suffix]
        if kind is None:
            by_audio[audio_key].sidecar = listed
        else:
            by_audio[audio_key].files[kind] = listed
    while waiting:
        yield from _let_go(waiting, by_audio)


def _let_go(waiting: deque[_Waiting], by_audio: dict[str, _Waiting]) -> Iterator[Case]:
    first = waiting.popleft()
    del by_audio[first.audio_key]
    if first.sidecar is not None:
        yield Case(first.audio_key, first.sidecar, first.files)
