"""What an exploration has seen, and what it has found broken."""

from __future__ import annotations

from array import array
from collections import Counter, deque
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Finding:
    """Something that is broken, with a shortest story that leads to it."""

    what: str
    story: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([self.what, *(f"{number:3}. {line}" for number, line in enumerate(self.story, 1))])


@dataclass
class Exploration:
    """What an exploration has seen."""

    states: int = 0
    transitions: int = 0
    places: int = 0
    """Places in the protocol that workers came to."""
    rows: Counter[str] = field(default_factory=Counter)
    """The rows in states where all is settled and nobody works, by state and reason."""
    faults: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault has happened."""
    finding: Finding | None = None

    def __str__(self) -> str:
        return f"{self.states:,} states, {self.transitions:,} transitions, {self.places:,} places in the protocol"


class Steps:
    """The steps between numbered states that take no fault."""

    def __init__(self) -> None:
        self._from, self._to = array("l"), array("l")

    def note(self, one: int, other: int) -> None:
        """A step leads from one state to another."""
        self._from.append(one)
        self._to.append(other)

    def first_without(self, goals: list[int], count: int) -> int | None:
        """The first of so many states from which no step after step leads to a goal; None when there is none."""
        ends = array("l", bytes(self._to.itemsize * (count + 1)))  # of the steps to a state, when they are sorted
        for other in self._to:
            ends[other] += 1
        for state in range(count):
            ends[state + 1] += ends[state]
        starts, before = array("l", ends), array("l", self._from)
        for one, other in zip(self._from, self._to, strict=True):
            starts[other] -= 1
            before[starts[other]] = one
        reached = bytearray(count)
        for goal in goals:
            reached[goal] = 1
        todo = deque(goals)
        while todo:
            state = todo.popleft()
            for one in before[starts[state] : ends[state]]:
                if not reached[one]:
                    reached[one] = 1
                    todo.append(one)
        number = reached.find(0)
        return number if number >= 0 else None
