"""How the protocol asks for something to be done: `answer = yield from ReadIntent()`. The acts themselves: `acts`."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Act(Generic[Answered]):
    """One act on the world. Besides what its class says, any act may raise `Cancelled` and errors of the tree."""

    def __iter__(self) -> Generator[Act[Any], Any, Answered]:
        answer: Answered = yield self
        return answer


Protocol = Generator[Act[Any], Any, Answered]
