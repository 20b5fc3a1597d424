"""What happens by itself: fal begins and ends requests, what nobody renews runs out, the clock goes on, things fail."""

from __future__ import annotations

from collections.abc import Iterator

from model.acting import Desk, Event
from model.clock import passing_time
from model.dispatcher import dispatched
from model.fal_acts import broken_by_acceptance
from model.prefixes import Place
from model.words import NEWER, NOTHING, OLDER, STRANGERS
from model.world import (
    DONE,
    EXCUSED,
    FAILED,
    FREE,
    IDLE,
    IN_FLIGHT,
    IN_REDIS,
    NEVER_BEGINS,
    ON_ITS_WAY,
    PARKED,
    QUEUED,
    RUNNING,
    SENT,
    UNSETTLED,
    JobState,
    PermitName,
    Worker,
    World,
    changed,
    is_quiet,
    is_settled,
    sent,
    with_request,
)

KINDS = {
    "crash": "a worker dies, with whatever it has in hand",
    "sleep": "a worker sleeps, or is cut off, until its lease has run out; it may wake up at any later time",
    "wipe": "Redis is emptied",
    "lost": "the reply to the paid POST is lost; the POST may arrive at any later time, or never",
    "refused": "fal refuses the paid POST with 429",
    "account": "fal refuses the account",
    "fal": "a request fails on fal's side",
    "rejected": "the model refuses the audio",
    "forgotten": "fal has forgotten the result",
    "away": "fal does not answer a read",
    "unreadable": "the history cannot tell",
    "stale": "the source is replaced while it is transcribed",
    "s3": "S3 does not answer; a write may have been done",
    "redis": "Redis does not answer",
    "cancel": "a worker is told to stop while it waits",
    "again": "a message is delivered twice",
    "tired": "a job was put off as often as the settings allow",
    "stranger": "somebody else writes where the sidecar goes",
}
"""The kinds of faults."""


def events(desk: Desk, world: World) -> Iterator[Event]:
    """Everything that may happen now, but for the workers' acts."""
    for number, job in enumerate(world.jobs):
        yield from _at_fal(desk, world, number, job)
        yield from _expiries(desk, world, number, job)
    yield from dispatched(desk, world)
    yield from passing_time(desk, world)
    if world.faults and not (is_settled(world) and is_quiet(world)):
        yield from _faults(desk, world)


def _may(desk: Desk, world: World, kind: str) -> bool:
    return world.faults > 0 and kind in desk.bounds.kinds


def _at_fal(desk: Desk, world: World, number: int, job: JobState) -> Iterator[Event]:
    for index, request in enumerate(job.requests):
        name = f"request r-{index} of job {number}"
        if request.phase in ON_ITS_WAY:
            there = request._replace(phase=QUEUED if request.phase == SENT else NEVER_BEGINS)
            broken = broken_by_acceptance(desk.words.intent_facts[job.intent], there)
            yield Event(f"the POST of {name} arrives", with_request(world, number, index, there), broken=broken)
        elif request.phase == QUEUED:
            began = request._replace(phase=RUNNING if desk.bounds.with_running else DONE)
            yield Event(f"{name} is {began.phase}", with_request(world, number, index, began))
        elif request.phase == RUNNING:
            yield Event(f"{name} is done", with_request(world, number, index, request._replace(phase=DONE)))
        if request.phase in IN_FLIGHT and _may(desk, world, "fal"):
            failed = with_request(world, number, index, request._replace(phase=FAILED))
            yield Event(f"{name} fails at fal", failed, "fal")


def _expiries(desk: Desk, world: World, number: int, job: JobState) -> Iterator[Event]:
    """What nobody renews runs out: leases, parked ones, and permits; those of requests only once these are over."""
    here = [
        (worker, desk.prefixes.places[worker.place])
        for worker in world.workers
        if worker.message and worker.message.number == number
    ]
    if job.lease > FREE:
        if not any(place.token == job.lease for _, place in here):
            yield Event(f"the dead worker's lease of job {number} runs out", _without_lease(world, number, job))
        elif _may(desk, world, "sleep"):
            what = f"the holder of job {number} sleeps until its lease has run out"
            yield Event(what, _without_lease(world, number, job), "sleep")
    elif job.lease == PARKED and job.is_outstanding and is_quiet(world) and not world.queue:
        yield Event(f"the parked lease of job {number} runs out", changed(world, number, job._replace(lease=FREE)))
    for kind, name in job.permits:
        is_renewed = any(_renews(worker, place, (kind, name)) for worker, place in here)
        is_over = kind == "lease" or job.requests[name].phase not in IN_FLIGHT
        if is_over and not is_renewed:
            lost = changed(world, number, _without_permit(job, (kind, name)))
            yield Event(f"the permit of {kind} {name} of job {number} runs out", lost)


def _renews(worker: Worker, place: Place, name: PermitName) -> bool:
    return worker.renews == name and (name[0] == "request" or place.token == name[1])


def _without_lease(world: World, number: int, job: JobState) -> World:
    """A lease that has run out, and the permit that the same process had taken under it."""
    return changed(world, number, _without_permit(job, ("lease", job.lease))._replace(lease=FREE))


def _without_permit(job: JobState, name: PermitName) -> JobState:
    requests = job.requests
    if name[0] == "lease":
        requests = tuple(
            request._replace(permit=EXCUSED) if request.permit == name[1] else request for request in requests
        )
    return job._replace(permits=tuple(other for other in job.permits if other != name), requests=requests)


def _faults(desk: Desk, world: World) -> Iterator[Event]:
    seen = set()
    for index, worker in enumerate(world.workers):
        if worker.place >= 0 and worker not in seen and _may(desk, world, "crash"):
            seen.add(worker)
            workers = (*world.workers[:index], IDLE, *world.workers[index + 1 :])
            yield Event(f"worker {index} dies", world._replace(workers=workers), "crash")
    if _may(desk, world, "wipe"):
        yield Event("Redis is wiped", _wiped(world), "wipe")
    for number, job in enumerate(world.jobs):
        if _may(desk, world, "again") and not any(message.number == number for message in world.queue):
            yield Event(f"the message of job {number} is delivered again", sent(world, number), "again")
        taken = {NOTHING: STRANGERS, OLDER: NEWER}.get(job.sidecar)
        if _may(desk, world, "stranger") and taken is not None:
            written = changed(world, number, job._replace(sidecar=taken))
            yield Event(f"somebody else writes the sidecar of job {number}", written, "stranger")


def _wiped(world: World) -> World:
    """All is gone; then, before any permit is given again, the heartbeats tell what is in flight."""
    jobs = []
    for number, job in enumerate(world.jobs):
        told = {worker.renews for worker in world.workers if worker.message and worker.message.number == number}
        for name in job.permits:
            if name[0] == "lease" or name not in told:
                job = _without_permit(job, name)  # noqa: PLW2901  one after the other
        requests = tuple(
            request._replace(permit=EXCUSED) if ("request", index) not in job.permits else request
            for index, request in enumerate(job.requests)
        )
        is_lost = job.row_place == IN_REDIS
        jobs.append(
            job._replace(
                lease=FREE,
                requests=requests,
                is_outstanding=False,
                is_started=False,
                row=0 if is_lost else job.row,
                row_place=UNSETTLED if is_lost else job.row_place,
                tickets=(),
            )
        )
    return world._replace(jobs=tuple(jobs), queue=(), is_stopped=False, budget=None)
