"""The decisions of a plan, summed up: all that a forecast needs of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.models import Job, ManifestRow, Skip, SkipReason
from pipeline.pricing import extension_of

OTHER = ""
"""Stands for every kind of file that has no assumed bit rate of its own."""


@dataclass(slots=True)
class Sizes:
    """Some objects: how many, their bytes by kind of file, and the largest of each kind."""

    objects: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    largest: dict[str, int] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """All bytes."""
        return self.by_kind.total()

    def add(self, kind: str, size_bytes: int) -> None:
        """Adds an object."""
        self.objects += 1
        self.by_kind[kind] += size_bytes
        self.largest[kind] = max(self.largest.get(kind, 0), size_bytes)


class Decided:
    """`kinds`: the extensions that are told apart. They bound what is kept here, whatever keys end with."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self._kinds = frozenset(kinds)
        self.jobs_as: dict[str, Sizes] = {}
        """Jobs by how the plan found them."""
        self.skips: Counter[SkipReason] = Counter()
        self.has_news = False
        """Whether the next manifest differs from the last one."""

    def add(self, decision: Job | Skip) -> None:
        """Adds one decision."""
        if isinstance(decision, Job):
            self.has_news = True
            sizes = self.jobs_as.setdefault(decision.planned_as or "", Sizes())
            kind = extension_of(decision.object.key)
            sizes.add(kind if kind in self._kinds else OTHER, decision.object.size_bytes)
            return
        reason, row = decision
        self.skips[reason] += 1
        if isinstance(row, ManifestRow) or row.is_news or reason is SkipReason.GONE:
            self.has_news = True

    @property
    def jobs(self) -> int:
        """All jobs."""
        return sum(sizes.objects for sizes in self.jobs_as.values())

    @property
    def size_bytes(self) -> int:
        """The bytes of all jobs."""
        return sum(sizes.size_bytes for sizes in self.jobs_as.values())

    @property
    def objects(self) -> int:
        """All objects that were found, whatever was decided."""
        return self.jobs + self.skips.total() - self.gone

    @property
    def gone(self) -> int:
        """Rows without an object."""
        return self.skips[SkipReason.GONE]
