"""What lint looks at: a transcript, the length of its audio, and what was asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from pipeline.lint.tokens import tokens
from pipeline.models import Asked, Segment


@dataclass(frozen=True)
class Heard:
    """What a model has heard. `duration_s` is None when nobody knows it; times are seconds from the start."""

    text: str
    segments: tuple[Segment, ...] = ()
    language: str | None = None
    """As the model names it."""
    repairs: tuple[str, ...] = ()
    """As the normaliser writes them, `reversed:2`."""
    duration_s: float | None = None
    asked: Asked = field(default_factory=Asked)

    @property
    def pieces(self) -> tuple[str, ...]:
        """The text as the model has cut it, or all of it."""
        return tuple(segment.text for segment in self.segments) or (self.text,)

    @cached_property
    def tokens(self) -> list[str]:
        """All words; characters where a script puts no spaces between words."""
        return [token for piece in self._tokens_by_piece for token in piece]

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard at all."""
        return not self.text.strip()

    def counted(self, repair: str) -> int:
        """How often a repair was needed."""
        counts = (line.partition(":") for line in self.repairs)
        return sum(int(count) if count.isdecimal() else 1 for name, _, count in counts if name == repair)

    def time_of(self, token: int) -> float | None:
        """When the token of that number is said: the start of its segment."""
        if not self.segments:
            return None
        ends = list(accumulate(map(len, self._tokens_by_piece)))
        return self.segments[min(bisect_right(ends, token), len(self.segments) - 1)].start

    def stretches(self) -> Iterator[tuple[float, float]]:
        """The silences between what was heard, from the start of the audio to its last segment: (from, to)."""
        reached = 0.0
        for segment in self.segments:
            if segment.start > reached:
                yield reached, segment.start
            reached = max(reached, segment.end)

    @cached_property
    def _tokens_by_piece(self) -> list[list[str]]:
        return [tokens(piece) for piece in self.pieces]
