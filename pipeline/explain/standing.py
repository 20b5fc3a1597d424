"""Where an object stands: the word for it, and sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stands(StrEnum):
    """Where an object stands."""

    WORKING = "working"
    QUEUED = "queued"
    GONE = "gone"
    BLOCKED = "blocked"
    AT_FAL = "at_fal"
    UNCERTAIN = "uncertain"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    PENDING = "pending"
    CHANGED = "changed"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Outlook:
    """Where it stands, in a word and in sentences."""

    stands: Stands
    now: str
    next: str
    """What happens by itself, or what a person can do."""
