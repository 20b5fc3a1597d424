"""The clock: when it may go on, and what becomes old then."""

from __future__ import annotations

from collections.abc import Iterator

from model.acting import Desk, Event
from model.words import MOMENTS, NEVER, OUTLIVES_THE_LAG, OUTLIVES_URLS
from model.world import (
    FREE,
    NEVER_BEGINS,
    PARKED,
    QUEUED,
    SENT,
    SENT_LONG_AGO,
    UNSETTLED,
    JobState,
    Request,
    World,
    is_quiet,
)


def passing_time(desk: Desk, world: World) -> Iterator[Event]:
    """The clock goes on when it may and it makes a difference."""
    is_last = world.now >= desk.bounds.moments[-1]
    if desk.bounds.deadline is not None and _is_posting(desk, world):
        return
    if _waits_for_time(desk, world) if is_last else _may_matter(desk, world):
        yield Event("time passes", later(desk, world))


def _is_posting(desk: Desk, world: World) -> bool:
    """Whether a worker has taken its last look, and its POST is what it does next."""
    return any(worker.place >= 0 and desk.prefixes.places[worker.place].op[0] == "Post" for worker in world.workers)


def later(desk: Desk, world: World) -> World:
    """The world at the next moment."""
    moments = desk.bounds.moments
    is_last = world.now >= moments[-1]
    then = min(world.now + 1, len(MOMENTS) - 1) if is_last else moments[moments.index(world.now) + 1]
    return world._replace(now=then, jobs=tuple(_aged(desk, job, then) for job in world.jobs))


def _may_matter(desk: Desk, world: World) -> bool:
    """Whether anything is there that ages; without that, later is like now."""
    if desk.bounds.deadline is not None and world.now < desk.bounds.deadline:
        return True
    if any(worker.place >= 0 and desk.prefixes.places[worker.place].urls for worker in world.workers):
        return True
    return any(job.row_place == UNSETTLED and job.intent for job in world.jobs)


def _aged(desk: Desk, job: JobState, then: int) -> JobState:
    requests = tuple(_older(desk, request, then) for request in job.requests)
    return job._replace(requests=requests, lease=FREE if job.lease == PARKED else job.lease)


def _older(desk: Desk, request: Request, then: int) -> Request:
    if then < OUTLIVES_URLS:
        return request
    if request.phase == QUEUED:
        return request._replace(phase=NEVER_BEGINS)  # fal drops what has not begun by the start deadline
    if request.phase == SENT and desk.laws.urls_expire and desk.bounds.delivery != "public":
        return request._replace(phase=SENT_LONG_AGO)
    if then >= OUTLIVES_THE_LAG and request.phase not in {SENT, SENT_LONG_AGO, NEVER_BEGINS}:
        return request._replace(is_shown=True)
    return request


def _waits_for_time(desk: Desk, world: World) -> bool:
    """Whether nothing is left but to wait until a young intent has become old."""
    if not is_quiet(world) or world.now + 1 >= len(MOMENTS):
        return False
    is_last = all(desk.words.runs[job.job] + 1 >= desk.bounds.runs for job in world.jobs)
    facts = [desk.words.intent_facts[job.intent] for job in world.jobs if job.row_place == UNSETTLED or not is_last]
    made_at = [
        intent.intended_at if intent.signed_at == NEVER else intent.signed_at
        for intent in facts
        if intent and intent.state == "intended"
    ]
    return world.now in made_at
