"""The decisions of a plan, summed up: all that a forecast needs of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.models import Job, RememberedRow, Skip, SkipReason, Untouched
from pipeline.pricing import extension_of

OTHER = ""
"""Stands for every kind of file that has no assumed bit rate of its own."""


@dataclass(slots=True)
class Sizes:
    """Some objects: how many, how long those are whose length is known, and how large the others, by kind of file."""

    objects: int = 0
    size_bytes: int = 0
    known: int = 0
    """Objects of known length."""
    known_s: float = 0.0
    longest_s: float = 0.0
    """The longest of them."""
    by_kind: Counter[str] = field(default_factory=Counter)
    """Bytes of those whose length is not known."""
    largest: dict[str, int] = field(default_factory=dict)
    """The largest of them, of each kind."""

    def add(self, kind: str, size_bytes: int, known_s: float | None) -> None:
        """Adds an object."""
        self.objects += 1
        self.size_bytes += size_bytes
        if known_s is None:
            self.by_kind[kind] += size_bytes
            self.largest[kind] = max(self.largest.get(kind, 0), size_bytes)
        else:
            self.known += 1
            self.known_s += known_s
            self.longest_s = max(self.longest_s, known_s)


class Decided:
    """`kinds`: the extensions that are told apart. They bound what is kept here, whatever keys end with."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self._kinds = frozenset(kinds)
        self.jobs_as: dict[str, Sizes] = {}
        """Jobs by how the plan found them."""
        self.skips: Counter[str] = Counter()
        """Skips by their reason."""
        self.has_news = False
        """Whether the next manifest differs from the last one."""

    def add(self, decision: Job | Skip | Untouched, known_s: float | None = None) -> None:
        """Adds one decision; of a job with the length of its audio, where that is known."""
        if isinstance(decision, Untouched):
            self.skips[SkipReason.CURRENT] += decision.objects
            return
        if isinstance(decision, Skip):
            reason, row = decision
            self.skips[reason] += 1
            if not self.has_news and (not isinstance(row, RememberedRow) or row.is_news or reason is SkipReason.GONE):
                self.has_news = True
            return
        self.has_news = True
        sizes = self.jobs_as.setdefault(decision.planned_as or "", Sizes())
        kind = extension_of(decision.object.key)
        sizes.add(kind if kind in self._kinds else OTHER, decision.object.size_bytes, known_s)

    @property
    def jobs(self) -> int:
        """All jobs."""
        return sum(sizes.objects for sizes in self.jobs_as.values())

    @property
    def objects(self) -> int:
        """All objects that were found, whatever was decided."""
        return self.jobs + self.skips.total() - self.gone

    @property
    def gone(self) -> int:
        """Rows without an object."""
        return self.skips[SkipReason.GONE.value]
