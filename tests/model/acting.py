"""What the answers to all acts have in common: who asks, what may be replied, and by which laws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from model.prefixes import Place, Prefixes
from model.words import Answer, Words
from model.world import Bounds, JobState, Laws, PermitName, Request, World, changed, fresh, with_request

NONE: Answer = ("none",)
YES: Answer = ("yes",)
NO: Answer = ("no",)
CANCELLED: Answer = ("raise", "Cancelled")
AWAY: Answer = ("raise", "Unavailable")


class Reply(NamedTuple):
    """One way in which the world may answer an act."""

    answer: Answer
    world: World
    fault: str = ""
    """The kind of fault that it takes; empty: none."""
    broken: str = ""
    """The promise that is broken by it; empty: none."""
    renews: PermitName | tuple[()] | None = None
    """The permit that the heartbeat renews from now on; None: as before."""


class Event(NamedTuple):
    """Something that happens by itself."""

    what: str
    world: World
    fault: str = ""
    """The kind of fault that it is; empty: none."""
    broken: str = ""


@dataclass(frozen=True)
class Desk:
    """What every answer is made with."""

    words: Words
    prefixes: Prefixes
    bounds: Bounds
    laws: Laws


@dataclass(frozen=True)
class Asked:
    """A worker's question: who asks, and about what."""

    desk: Desk
    world: World
    number: int
    """Of the object."""
    place: Place

    @property
    def job(self) -> JobState:
        """What is stored of the object."""
        return self.world.jobs[self.number]

    @property
    def is_ours(self) -> bool:
        """Whether the run still waits for this very job."""
        runs = self.desk.words.runs  # Redis knows the job by its object and its run, whoever has sent it
        return self.job.is_outstanding and runs[self.job.job] == runs[self.place.job]

    @property
    def holds_lease(self) -> bool:
        """Whether the lease is still the worker's."""
        return self.job.lease == self.place.token

    def places(self) -> Iterator[Place]:
        """Where the workers on this object stand."""
        for worker in self.world.workers:
            if worker.message and worker.message.number == self.number:
                yield self.desk.prefixes.places[worker.place]

    def after(self, **changes: object) -> World:
        """The world with another state of the object."""
        return changed(self.world, self.number, self.job._replace(**changes))

    def after_phase(self, index: int, phase: str) -> World:
        """The world with a request in another phase."""
        return with_request(self.world, self.number, index, self.job.requests[index]._replace(phase=phase))

    def after_request(self, request: Request) -> World:
        """The world with one more request."""
        return self.after(requests=(*self.job.requests, request))


def fresh_token(asked: Asked) -> int:
    """A lease's token that nobody knows, and under which nothing is counted."""
    known = {place.token for place in asked.places()}
    known |= {number for kind, number in asked.job.permits if kind == "lease"}
    return fresh(known | {request.permit for request in asked.job.requests})


def fresh_ticket(world: World, prefixes: Prefixes) -> int:
    """A reservation's ticket that nobody knows."""
    known = {ticket for job in world.jobs for ticket in job.tickets}
    return fresh(known | {prefixes.places[worker.place].ticket for worker in world.workers if worker.place >= 0})
