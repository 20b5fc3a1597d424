"""A generated archive: keys, sizes and ETags follow from formulas, so that a million objects take no memory.

Standard library only, for the S3 server's process. Audio object `n` (0, 1, 2, ...) comes in key order in every shape,
and its sidecar stands right behind it, so that any page of a listing is found by bisection and written as it goes.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

SIDECAR_SUFFIX = ".transcript.json"
MOMENT = "2026-01-31T04:05:06.000Z"
"""When everything was written, by the listing."""
_RUN_ID = "20260201T021500Z-benchm"
_EPISODES_PER_SHOW = 400
_EPISODES_PER_YEAR = 50
# Odd, so that its multiples never repeat in 128 bits; from the golden ratio, so that they look as random as hashes do,
# also to gzip.
_SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835
_MASK = (1 << 128) - 1


def _dated(_objects: int) -> Callable[[int], str]:
    episodes = [_episode(number) for number in range(_EPISODES_PER_SHOW)]  # a format less per key of a page

    def key(number: int) -> str:
        show, episode = divmod(number, _EPISODES_PER_SHOW)
        return f"shows/show-{show:05d}/{episodes[episode]}"

    return key


def _episode(number: int) -> str:
    year, week = divmod(number, _EPISODES_PER_YEAR)
    month = 1 + week * 12 // _EPISODES_PER_YEAR
    return f"{2018 + year}/{month:02d}/episode-{number + 1:04d}.mp3"


def _hex(objects: int) -> Callable[[int], str]:
    step = (1 << 64) // max(1, objects)

    def key(number: int) -> str:
        return f"{number * step + number * _SPREAD % step:016x}.mp3"

    return key


def _flat(_objects: int) -> Callable[[int], str]:
    return lambda number: f"episode-{number + 1:09d}.mp3"


SHAPES = {"dated": _dated, "hex": _hex, "flat": _flat}
"""What keys look like: a long common prefix per show, none at all, or one that all share."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of the archive as S3 tells of it."""

    key: str
    etag: str
    size_bytes: int
    stamp: str | None = None
    """A sidecar's metadata entry `nightscribe`: what Nightscribe knows its own sidecars by."""


@dataclass(frozen=True)
class Archive:
    """`objects` audio objects, `new` of which have no sidecar; those are spread evenly.

    Keys hold nothing that a URL or XML would escape. A position counts audio and sidecars alike: `2n` is the audio
    object `n`, `2n + 1` its sidecar, be it there or not.
    """

    bucket: str
    objects: int = 0
    new: int = 0
    shape: str = "dated"
    endpoint_id: str = "fal-ai/whisper"
    recipe: str = "0" * 16
    """The hash of the recipe that all sidecars were made with."""
    key: Callable[[int], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", SHAPES[self.shape](self.objects))

    @property
    def keys(self) -> int:
        """How many keys there are."""
        return 2 * self.objects - self.new

    def is_new(self, number: int) -> bool:
        """Whether this object has no sidecar."""
        return (number + 1) * self.new // self.objects != number * self.new // self.objects

    def audio(self, number: int) -> Entry:
        """The audio object `number`."""
        return Entry(self.key(number), f"{number * _SPREAD & _MASK:032x}", _audio_bytes(number))

    def sidecar(self, number: int) -> Entry:
        """The sidecar of the audio object `number`."""
        return Entry(
            self.key(number) + SIDECAR_SUFFIX,
            self.sidecar_etag(number),
            _sidecar_bytes(number),
            json.dumps(self.stamp(number), separators=(",", ":")),
        )

    def sidecar_etag(self, number: int) -> str:
        """The ETag of that sidecar."""
        return f"{~number * _SPREAD & _MASK:032x}"

    def stamp(self, number: int) -> dict[str, object]:
        """What the sidecar of `number` says of itself: the fields of pipeline.models.SidecarStamp."""
        audio = self.audio(number)
        identity = [self.bucket, audio.key, audio.etag, audio.size_bytes, None, self.recipe]
        duration_s = audio.size_bytes / 12_000  # 96 kbit/s
        return {
            "job_id": hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:40],
            "object_etag": audio.etag,
            "recipe": self.recipe,
            "run_id": _RUN_ID,
            "endpoint_id": self.endpoint_id,
            "request_id": f"{(number + self.objects) * _SPREAD & _MASK:032x}",
            "attempts": 1,
            "duration_s": round(duration_s, 3),
            "words": int(duration_s * 2.5),
            "language": "en",
            "speech": True,
            "cost_usd": None,
            "processing_s": round(duration_s / 60, 3),
            "written_at": MOMENT,
        }

    def find(self, key: str) -> Entry | None:
        """What stands under a key."""
        position = self.position(lambda listed: listed < key)
        number, is_sidecar = divmod(position, 2)
        if position == 2 * self.objects or self._key_at(position) != key:
            return None
        if is_sidecar:
            return None if self.is_new(number) else self.sidecar(number)
        return self.audio(number)

    def position(self, is_before: Callable[[str], bool]) -> int:
        """The first position whose key is not before; `is_before` must hold up to some key and for none behind it."""
        return bisect_left(range(2 * self.objects), 1, key=lambda position: not is_before(self._key_at(position)))

    def contents(self, start: int, stop: int) -> Iterator[tuple[str, str]]:
        """Keys and their elements of a listing, of the positions from `start` up to `stop`. Made for speed."""
        audio_key, objects, new = self.key, self.objects, self.new
        for number in range(start // 2, (stop + 1) // 2):
            key = audio_key(number)
            if 2 * number >= start:
                etag, size = f"{number * _SPREAD & _MASK:032x}", _audio_bytes(number)
                yield key, f"{_OPEN}{key}{_ETAG}{etag}{_SIZE}{size}{_CLOSE}"
            has_sidecar = (number + 1) * new // objects == number * new // objects
            if has_sidecar and 2 * number + 1 < stop:
                key += SIDECAR_SUFFIX
                etag, size = f"{~number * _SPREAD & _MASK:032x}", _sidecar_bytes(number)
                yield key, f"{_OPEN}{key}{_ETAG}{etag}{_SIZE}{size}{_CLOSE}"

    def _key_at(self, position: int) -> str:
        key = self.key(position // 2)
        return key + SIDECAR_SUFFIX if position % 2 else key


_OPEN = "<Contents><Key>"
_ETAG = f"</Key><LastModified>{MOMENT}</LastModified><ETag>&quot;"
_SIZE = "&quot;</ETag><Size>"
_CLOSE = "</Size><StorageClass>STANDARD</StorageClass></Contents>"


def _audio_bytes(number: int) -> int:
    return 20_000_000 + number * 7919 % 40_000_000  # half an hour to an hour and a half


def _sidecar_bytes(number: int) -> int:
    return 60_000 + number * 104_729 % 90_000
