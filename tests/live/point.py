"""One question to a real account, and what was found. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from live.asking import Observed


@dataclass(frozen=True)
class Found:
    """What an account shows. `agrees`: with what the code takes for true; None when nothing could be seen."""

    text: str
    agrees: bool | None


@dataclass(frozen=True)
class Point:
    """One question. `rests`: whether the code goes wrong, or loses something, when the answer is another."""

    name: str
    question: str
    taken: str
    known: Literal["verified", "documented", "reported", "inferred", "unknown"]
    rests: bool
    judge: Callable[[Observed], tuple[str, bool | None]] | None = None
    """None: `make live` cannot answer it cheaply."""
    why_not: str = ""

    def found(self, observed: Observed) -> Found:
        """What was seen."""
        if self.judge is None:
            return Found(f"not asked: {self.why_not}", None)
        return Found(*self.judge(observed))
