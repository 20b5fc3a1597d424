"""An engine that takes the time it is told and makes its words up from the URL's path. Needs no speech packages.

The same path gives the same words and, within one seed, the same service time, in any order of requests.
"""

import asyncio
import hashlib
import random
from pathlib import Path

from emulator.fal.engines.base import Segment, Speech, Word
from emulator.fal.engines.duration import duration_of

SECONDS_PER_WORD = 0.4  # 150 words a minute: unhurried speech.
WORDS_PER_SEGMENT = 10
# A word list is read across.
# fmt: off
VOCABULARY = (
    "archive", "broadcast", "captain", "daylight", "episode", "forest", "garden", "harbour", "island", "journey",
    "kitchen", "lantern", "meadow", "night", "ocean", "paper", "quiet", "river", "station", "tower", "under",
    "valley", "weather", "yellow", "zephyr", "and", "the", "of", "with", "from", "over",
)
# fmt: on


class ScriptedEngine:
    """Answers with made-up words after `service_s`, plus the duration over `speed`, give or take the jitter share."""

    def __init__(self, *, service_s: float, speed: float | None, jitter_share: float, words: int, seed: int) -> None:
        self._service_s = service_s
        self._speed = speed
        self._jitter_share = jitter_share
        self._words = words
        self._seed = seed

    async def listen(self, audio_path: str, file: Path | None, *, words: bool) -> Speech:
        """See Engine. The words are spread over the file's duration, or over 0.4 s each when there is no file."""
        duration = await asyncio.to_thread(duration_of, file) if file is not None else None
        duration_s = duration if duration is not None else self._words * SECONDS_PER_WORD
        dice = random.Random(f"{self._seed}:{audio_path}")
        service_s = self._service_s + (duration_s / self._speed if self._speed else 0.0)
        await asyncio.sleep(service_s * (1 + self._jitter_share * dice.uniform(-1, 1)))
        return Speech(duration_s, tuple(_segments(audio_path, duration_s, self._words, with_words=words)))


def _segments(audio_path: str, duration_s: float, count: int, *, with_words: bool) -> list[Segment]:
    # Seeded by the path alone: what is said in a file does not depend on the seed of a test run.
    dice = random.Random(hashlib.sha256(audio_path.encode("utf-8", "surrogatepass")).digest())
    step = duration_s / count if count else 0.0
    said = [Word(round(i * step, 3), round((i + 1) * step, 3), f" {dice.choice(VOCABULARY)}") for i in range(count)]
    lines = [said[at : at + WORDS_PER_SEGMENT] for at in range(0, count, WORDS_PER_SEGMENT)]
    return [
        Segment(line[0].start, line[-1].end, "".join(w.text for w in line) + ".", tuple(line) if with_words else ())
        for line in lines
    ]
