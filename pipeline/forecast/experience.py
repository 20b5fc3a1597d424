"""What the last manifest has measured: how long audio of a size is, by its kind of file, and how fast fal was."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from pipeline.forecast.interval import Interval
from pipeline.models import KnownRows, RememberedRow, State
from pipeline.pricing import extension_of

_ALL_OF = 32  # blocks, some 16,000 rows
_BLOCKS = 8  # of the others, of which one is seen
_SHARE = 4
"""Of that one, the first fourth. Rows of a block are mostly of one show and alike: many blocks tell more than rows.
Of a million rows 46,000 are read, in 280 places; a mean over shows of very different bit rates is off by some percent.
"""
_ENOUGH = 20  # recordings; of fewer there is no tenth percentile
_STEPS_PER_OCTAVE = 16  # a step is 4 %, which is little beside the spread of an archive
_TENTH = 0.1


@dataclass(slots=True)
class _BitRates:
    """Seconds per byte of one kind of file, weighed by size, for it is sizes that will be multiplied."""

    recordings: int = 0
    size_bytes: int = 0
    audio_s: float = 0.0
    steps: Counter[int] = field(default_factory=Counter)
    """Bytes by the logarithm of seconds per byte."""

    def add(self, size_bytes: int, audio_s: float, weight: int) -> None:
        self.recordings += 1
        self.size_bytes += size_bytes * weight
        self.audio_s += audio_s * weight
        self.steps[math.floor(math.log2(audio_s / size_bytes) * _STEPS_PER_OCTAVE)] += size_bytes * weight

    def s_per_byte(self) -> Interval:
        """The mean, from the tenth percentile to the ninetieth."""
        likely = self.audio_s / self.size_bytes
        low, high = self._step_at(_TENTH), self._step_at(1 - _TENTH) + 1
        return Interval(min(_of_step(low), likely), likely, max(_of_step(high), likely))

    def _step_at(self, share: float) -> int:
        below = 0
        for step in sorted(self.steps):
            below += self.steps[step]
            if below >= share * self.size_bytes:
                return step
        return max(self.steps)


def _of_step(step: int) -> float:
    return math.exp2(step / _STEPS_PER_OCTAVE)


class Experience:
    """Learns from rows that pass by. `endpoint_id`: whose speed counts; `extensions`: what kinds are told apart."""

    def __init__(self, endpoint_id: str, extensions: Iterable[str]) -> None:
        self._endpoint_id = endpoint_id
        self._rates = {extension: _BitRates() for extension in extensions}
        self._timed = 0
        self._timed_audio_s = 0.0
        self._timed_processing_s = 0.0

    def watched(self, known: Iterable[KnownRows]) -> Iterator[KnownRows]:
        """The same rows. Learns from all of the first 32 blocks, then from a fourth of every eighth in place of all."""
        passing = iter(known)
        for block in islice(passing, _ALL_OF):
            self._learn_all(block.rows(), 1)
            yield block
        for turn in count():
            if not (several := list(islice(passing, _BLOCKS))):
                return
            # Another one each time: an archive may have a rhythm of its own.
            seen = several[turn % len(several)]
            self._learn_all(seen.some(range(math.ceil(seen.count / _SHARE))), _SHARE * len(several))
            yield from several

    def s_per_byte(self, extension: str) -> Interval | None:
        """Seconds of audio per byte; None when too few recordings of the kind were seen."""
        rates = self._rates.get(extension)
        return rates.s_per_byte() if rates is not None and rates.recordings >= _ENOUGH else None

    def recordings(self, extensions: Iterable[str]) -> int:
        """From how many recordings of these kinds that is known."""
        return sum(self._rates[extension].recordings for extension in extensions)

    @property
    def speed(self) -> float | None:
        """Seconds of audio per second from submission to result, of one request; None when too few tell."""
        is_known = self._timed >= _ENOUGH and self._timed_processing_s > 0
        return self._timed_audio_s / self._timed_processing_s if is_known else None

    @property
    def timed_recordings(self) -> int:
        """From how many recordings the speed is known."""
        return self._timed

    def _learn_all(self, rows: Iterable[RememberedRow], weight: int) -> None:
        for row in rows:
            self._learn(row, weight)

    def _learn(self, row: RememberedRow, weight: int) -> None:
        audio_s = row.duration_s
        if row.state is not State.DONE or not audio_s or audio_s <= 0:
            return
        rates = self._rates.get(extension_of(row.key))
        if rates is not None and row.size_bytes > 0:
            rates.add(row.size_bytes, audio_s, weight)
        if row.processing_s and row.processing_s > 0 and row.endpoint_id == self._endpoint_id:
            self._timed += 1
            self._timed_audio_s += audio_s * weight
            self._timed_processing_s += row.processing_s * weight
