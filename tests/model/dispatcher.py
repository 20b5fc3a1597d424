"""What the dispatcher does, and who recovers jobs: rows to S3, intents deleted, jobs sent again, runs, the budget."""

from __future__ import annotations

from collections.abc import Iterator

from model.acting import Desk, Event
from model.clock import later
from model.world import (
    ADOPTED,
    CLEARED,
    FREE,
    IN_REDIS,
    KEPT,
    READ_NOTHING,
    READ_RESERVED,
    READ_SPENT,
    UNREAD,
    UNSETTLED,
    Budget,
    JobState,
    World,
    changed,
    is_adding_up,
    is_quiet,
    is_settled,
    sent,
)


def dispatched(desk: Desk, world: World) -> Iterator[Event]:
    """All that the dispatcher, or a recovering worker, may do now."""
    for number, job in enumerate(world.jobs):
        yield from _recovered(desk, world, number, job)
    if not is_adding_up(world):
        for number, job in enumerate(world.jobs):
            yield from _kept(desk, world, number, job)
        yield from _run(desk, world)
        yield from _taken_over(desk, world)
    if desk.bounds.ceiling is not None:
        yield from _budget(desk, world)


def is_done(desk: Desk, job: JobState) -> bool:
    """Whether the job's row says done."""
    row = desk.words.rows[job.row]
    return row is not None and row.state == "done"


def _kept(desk: Desk, world: World, number: int, job: JobState) -> Iterator[Event]:
    if job.row_place == IN_REDIS:
        row, budget, kept = desk.words.rows[job.row], world.budget, world
        # A row that tells of no request may come from a worker that has not looked: the cost stays reserved.
        if budget and ADOPTED in job.tickets and row and row.state != "uncertain" and row.request is not None:
            kept = world._replace(budget=budget._replace(spent=budget.spent + 1))
            job = job._replace(tickets=())
        yield Event(
            f"the dispatcher keeps the row of job {number}", changed(kept, number, job._replace(row_place=KEPT))
        )
    elif job.row_place == KEPT and job.intent and is_done(desk, job):
        cleared = job._replace(intent=0, row_place=CLEARED)
        yield Event(f"the dispatcher deletes the intent of job {number}", changed(world, number, cleared))


def _recovered(desk: Desk, world: World, number: int, job: JobState) -> Iterator[Event]:
    if not job.is_outstanding or job.lease != FREE or not desk.laws.jobs_are_recovered:
        return
    if any(message.number == number for message in world.queue) or (world.queue and not job.is_started):
        return
    # A job whose worker has its message and not yet its lease looks as if its message were lost.
    here = any(worker.message and worker.message.number == number for worker in world.workers)
    is_false_alarm = here and not job.is_started
    if is_false_alarm and not (world.faults and "again" in desk.bounds.kinds):
        return
    again = sent(changed(world, number, job._replace(is_started=False)), number)
    yield Event(f"job {number} is found stalled and sent again", again, "again" if is_false_alarm else "")


def _run(desk: Desk, world: World) -> Iterator[Event]:
    is_over = not any(job.is_outstanding or job.row_place == IN_REDIS for job in world.jobs)
    if world.is_stopped:
        yield Event("a person has mended it and runs the command again", _again(world))
    elif not is_over:
        return
    elif not is_settled(world):
        if any(desk.words.is_too_late(job.job, world.now) for job in _lost(world)):
            yield Event("the night is over, and the next run plans what is left", _next_night(desk, world))
        elif not (world.budget and world.budget.is_reached):
            yield Event("the dispatcher sends again what was forgotten", _again(world))
    else:
        yield from _next_run(desk, world)


def _taken_over(desk: Desk, world: World) -> Iterator[Event]:
    """A night that was killed is continued under its run's name, without its deadline; its messages stay."""
    taken = world
    for number, job in enumerate(world.jobs):
        if job.row_place == UNSETTLED and desk.words.is_too_late(job.job, world.now):
            anew = desk.words.job(0, desk.words.jobs[job.job].prior_attempts, taken_over=True)
            taken = changed(taken, number, job._replace(job=anew))
    if taken is not world:
        yield Event("the night is killed after its deadline, and another one takes its run over", taken)


def _lost(world: World) -> list[JobState]:
    return [job for job in world.jobs if job.row_place == UNSETTLED and not job.is_outstanding]


def _next_night(desk: Desk, world: World) -> World:
    """The run ends with what is left as pending, and another plans it, under a name of its own."""
    for number, job in enumerate(world.jobs):
        if job.row_place == UNSETTLED:
            made = desk.words.job(desk.words.runs[job.job] + 1, desk.words.jobs[job.job].prior_attempts)
            anew = job._replace(job=made, is_outstanding=True, is_started=False, tickets=())
            world = sent(changed(world, number, anew), number)
    return world


def _again(world: World) -> World:
    world = world._replace(is_stopped=False)
    for number, job in enumerate(world.jobs):
        if job.row_place == UNSETTLED and not job.is_outstanding:
            world = sent(changed(world, number, job._replace(is_outstanding=True, is_started=False)), number)
    return world


def _next_run(desk: Desk, world: World) -> Iterator[Event]:
    """What has failed for a passing reason, or is uncertain, is planned anew: at once, and then a night later."""
    planned = world
    for number, job in enumerate(world.jobs):
        row, run = desk.words.rows[job.row], desk.words.runs[job.job] + 1
        if row and row.state != "done" and not row.is_permanent and run < desk.bounds.runs:
            made = desk.words.job(run, row.attempts)
            anew = job._replace(job=made, is_outstanding=True, is_started=False, row=0, row_place=UNSETTLED, tickets=())
            planned = sent(changed(planned, number, anew), number)
    if planned is not world:
        is_first = all(desk.words.runs[job.job] <= 1 for job in planned.jobs)
        yield Event("the next run plans what is left", planned if is_first else _night_later(desk, planned))


def _night_later(desk: Desk, world: World) -> World:
    """Past all deadlines of what was there before."""
    then = later(desk, world)
    while then.now < desk.bounds.moments[-1]:
        then = later(desk, then)
    return then


def _budget(desk: Desk, world: World) -> Iterator[Event]:
    budget = world.budget
    if budget is None:
        # The rows in S3 do not change meanwhile; workers may write intents while the dispatcher reads them.
        for number, job in enumerate(world.jobs):
            if job.reading == UNREAD:
                read = changed(world, number, job._replace(reading=_read(desk, job)))
                yield Event(f"the dispatcher adds up what is used, and reads the intent of job {number}", read)
        if all(job.reading != UNREAD for job in world.jobs):
            yield Event("the dispatcher opens the budget", _opened(desk, world))
    elif budget.is_reached and is_quiet(world) and not any(job.is_outstanding for job in world.jobs):
        more = world._replace(ceiling=len(world.jobs), budget=budget._replace(is_reached=False))
        yield Event("a person runs the command again with a higher ceiling", more)


def _read(desk: Desk, job: JobState) -> int:
    intent = desk.words.intent_facts[job.intent]
    request = intent.request[0] if intent and intent.request else None
    if intent is None or (request is not None and request == _told_by_row(desk, job)):
        return READ_NOTHING
    if intent.state in {"intended", "submitted"}:
        return READ_RESERVED
    return READ_SPENT if intent.state == "failed" and intent.failure != "request_failed" else READ_NOTHING


def _told_by_row(desk: Desk, job: JobState) -> int | None:
    """The request that a row in S3 tells of."""
    row = desk.words.rows[job.row] if job.row_place >= KEPT else None
    return row.request if row else None


def _opened(desk: Desk, world: World) -> World:
    spent = sum((_told_by_row(desk, job) is not None) + (job.reading == READ_SPENT) for job in world.jobs)
    jobs = tuple(
        job._replace(tickets=(ADOPTED,) if job.reading == READ_RESERVED else (), reading=UNREAD) for job in world.jobs
    )
    return world._replace(jobs=jobs, budget=Budget(spent, is_reached=False))
