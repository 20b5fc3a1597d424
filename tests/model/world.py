"""The abstract world: what S3, Redis, fal, the queue and the workers hold at one instant. Immutable, and small.

Nothing happens here: `answers` tells how the world answers a worker's act, `surroundings` and `dispatcher` what happens
by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

FREE, PARKED = 0, -1
"""A lease that nobody has; a parked one. Any other number is the token of its holder."""

UNSETTLED, IN_REDIS, KEPT, CLEARED = range(4)
"""Where a job's row is: nowhere, in Redis, in a segment in S3; and there with its intent deleted."""

# A request at fal. Billed are those that run or have run; the worst is assumed of one that is cancelled while it runs.
SENT = "sent"  # on its way: its sender has given up on the reply
SENT_LONG_AGO = "sent long ago"  # the same, and its URL has expired
QUEUED = "queued"
RUNNING = "running"
DONE = "done"
FAILED = "failed"  # on fal's side, unbilled
NEVER_BEGINS = "never begins"  # dropped by fal, cancelled in the queue, or its URL had expired: unbilled
CUT = "cut"  # cancelled while it ran
FORGOTTEN = "forgotten"  # done, and its result is lost
REJECTED = "rejected"  # the model refused the audio

BILLED = frozenset({RUNNING, DONE, CUT, FORGOTTEN, REJECTED})
MAY_BE_BILLED = BILLED | {QUEUED, SENT}
IN_FLIGHT = frozenset({QUEUED, RUNNING})
ON_ITS_WAY = frozenset({SENT, SENT_LONG_AGO})

EXCUSED, COUNTED = -1, 0
"""Which permit stands for a request: none, for it was lost by no fault of the protocol (the server was wiped, or who
had posted it slept, died or never got the reply); or one under its own name. Any other number: its poster's lease."""


ADOPTED = -1

UNREAD, READ_NOTHING, READ_RESERVED, READ_SPENT = range(4)
"""What a dispatcher has read of a job while it adds up, one intent after the other, what the run has used."""


class Request(NamedTuple):
    """A request at fal, or on its way there."""

    url: int
    phase: str
    is_shown: bool
    """Whether the history surely shows it; otherwise it may or may not."""
    permit: int


PermitName = tuple[str, int]
"""What a permit is taken under: a lease's token, or a request."""


class JobState(NamedTuple):
    """One object: the job that the present run made of it, and all that is stored of it."""

    job: int
    intent: int
    sidecar: int
    requests: tuple[Request, ...]
    lease: int
    is_outstanding: bool
    is_started: bool
    row: int
    row_place: int
    permits: tuple[PermitName, ...]
    tickets: tuple[int, ...]
    """Who has reserved the job's cost, which counts once; `ADOPTED`: the dispatcher has found it in S3."""
    reading: int
    """What a dispatcher that opens the budget anew has read of it."""


class Message(NamedTuple):
    """A message in the queue."""

    number: int
    """Of the object."""
    job: int
    is_tired: bool
    """The job was put off as often as the settings allow."""


class Worker(NamedTuple):
    """A worker with one slot. `place` is where it stands in the protocol; -1: it waits for a message."""

    place: int
    message: Message | None
    renews: PermitName | tuple[()]
    """The permit that its heartbeat renews, if any."""


IDLE = Worker(-1, None, ())


class Budget(NamedTuple):
    """The run's budget in Redis, in whole jobs; what is reserved is told by the jobs."""

    spent: int
    is_reached: bool


class World(NamedTuple):
    """One instant."""

    now: int
    faults: int
    """How many more faults may happen."""
    jobs: tuple[JobState, ...]
    workers: tuple[Worker, ...]
    queue: tuple[Message, ...]
    is_stopped: bool
    ceiling: int
    budget: Budget | None


@dataclass(frozen=True)
class Bounds:
    """What an exploration covers."""

    jobs: int = 1
    """One or two."""
    workers: int = 2
    faults: int = 1
    """How many may happen in one story, of whatever kinds."""
    kinds: frozenset[str] = frozenset()
    """Which kinds of faults may happen (`KINDS` in `surroundings`)."""
    moments: tuple[int, ...] = (0,)
    """What the clock shows while workers work; it goes on, day by day, when nothing else is left to happen."""
    permits: int | None = None
    """The limit; None: permits are left out, for one job never waits for one."""
    ceiling: int | None = None
    """How many jobs the run may pay for at first; None: there is no budget."""
    sidecar: int = 0
    """What stands where the sidecars go at first: nothing, or `OLDER`."""
    runs: int = 1
    """So many runs follow one another, each with what the one before has left: the second at once, others at night."""
    must_be_decided: bool = False
    """Whether it is not enough that each job has its row, be it uncertain or failed for a passing reason."""
    delivery: Literal["presigned", "upload", "public"] = "presigned"
    """How fal gets at the audio."""
    stores_io: bool = True
    """Whether fal may store inputs, without which its history shows no request."""
    deletes_payloads: bool = False
    """Whether fal's copies are deleted once the sidecar is safe."""
    is_second: bool = False
    """Whether the jobs are second opinions, which may be as doubtful as the first ones; then a row says failed."""
    with_running: bool = True
    """Whether a request runs for a while at fal; otherwise it is done as soon as it begins."""
    deadline: int | None = None
    """The moment from which on nothing is submitted for the first run's jobs; None: there is no such moment.

    A POST is taken to leave in the moment of its last look: the protocol cannot narrow what lies between the two.
    """
    may_pause_before_the_clock: bool = False
    """Whether a worker may also fall asleep between two acts of which the second is to ask for the time."""


@dataclass(frozen=True)
class Laws:
    """What the world guarantees. The tests break one at a time, to see what the protocol rests on."""

    conditions_hold: bool = True
    """S3 refuses a conditional write whose condition does not hold."""
    urls_expire: bool = True
    history_is_complete: bool = True
    """A request that began is shown once the lag has passed."""
    jobs_are_recovered: bool = True
    leases_are_checked: bool = True
    """MaySubmit asks for the lease."""
    rows_are_fenced: bool = True
    """Redis refuses the row of a worker that has lost its lease."""
    permits_are_counted: bool = True
    """Redis gives a permit only when one is free."""
    reservations_are_checked: bool = True
    """MaySubmit asks whether the reservation still stands."""
    deadlines_are_checked: bool = True
    """MaySubmit asks for the time."""
    intents_are_kept: bool = True
    """A withdrawn intent is rewritten on its condition; otherwise it is deleted."""


def changed(world: World, number: int, job: JobState) -> World:
    """The world with another state of one object."""
    return world._replace(jobs=(*world.jobs[:number], job, *world.jobs[number + 1 :]))


def with_request(world: World, number: int, index: int, request: Request) -> World:
    """The world with another state of one request."""
    job = world.jobs[number]
    return changed(world, number, job._replace(requests=(*job.requests[:index], request, *job.requests[index + 1 :])))


def sent(world: World, number: int) -> World:
    """The world with one more message about an object."""
    message = Message(number, world.jobs[number].job, is_tired=False)
    return world._replace(queue=tuple(sorted((*world.queue, message))))


def is_quiet(world: World) -> bool:
    """Whether no worker is at work."""
    return all(worker.place < 0 for worker in world.workers)


def is_settled(world: World) -> bool:
    """Whether every job has its row."""
    return all(job.row_place != UNSETTLED for job in world.jobs)


def is_adding_up(world: World) -> bool:
    """Whether the dispatcher adds up what the run has used; it does one thing at a time."""
    return any(job.reading != UNREAD for job in world.jobs)


def fresh(known: set[int]) -> int:
    """The smallest number from 1 that nobody knows: names that are forgotten come back, so that worlds meet again."""
    number = 1
    while number in known:
        number += 1
    return number


def canonical(world: World) -> World:
    """Worlds that differ only in which worker, or which of two objects, is which are one."""
    jobs = world.jobs
    if len(jobs) == 1 or jobs[0] < jobs[1]:
        ordered = tuple(sorted(world.workers))
        return world if ordered == world.workers else world._replace(workers=ordered)
    swapped = tuple(sorted(_swapped(worker) for worker in world.workers))
    queue = tuple(sorted(message._replace(number=1 - message.number) for message in world.queue))
    if jobs[0] == jobs[1]:
        swapped, queue = min((swapped, queue), (tuple(sorted(world.workers)), world.queue))
    return world._replace(jobs=(jobs[1], jobs[0]), workers=swapped, queue=queue)


@cache
def _swapped(worker: Worker) -> Worker:
    """A worker on the other one of two objects."""
    message = worker.message
    return worker._replace(message=message._replace(number=1 - message.number)) if message else worker
