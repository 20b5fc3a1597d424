"""What must hold in every world, and what must stay within reach."""

from __future__ import annotations

from model.acting import Desk
from model.words import IntentFacts, ours
from model.world import BILLED, EXCUSED, IN_FLIGHT, MAY_BE_BILLED, JobState, World, is_settled


def broken_promise(desk: Desk, world: World) -> str:
    """The promise that a world breaks; empty when it breaks none."""
    for number, job in enumerate(world.jobs):
        if job.requests and (broken := _broken_for(desk, job)):
            return f"job {number} {broken}"
    if desk.bounds.permits is not None:
        in_flight = sum(
            request.phase in IN_FLIGHT and request.permit != EXCUSED for job in world.jobs for request in job.requests
        )
        if in_flight > desk.bounds.permits:
            return f"{in_flight} requests are in flight, and {desk.bounds.permits} are allowed"
    if world.ceiling:
        paid = sum(request.phase in BILLED for job in world.jobs for request in job.requests)
        if paid > world.ceiling:
            return f"{paid} requests are paid, and the ceiling is {world.ceiling}"
    return ""


def _broken_for(desk: Desk, job: JobState) -> str:
    intent = desk.words.intent_facts[job.intent]
    billed = 0
    for number, request in enumerate(job.requests):
        if request.phase in MAY_BE_BILLED:
            billed += request.phase in BILLED
            if not ours(job.sidecar) and not _leads_to(intent, number, request.url):
                return f"has request r-{number}, which may be billed ({request.phase}), and S3 does not lead to it"
    return "is billed twice" if billed > 1 else ""


def _leads_to(intent: IntentFacts | None, number: int, url: int) -> bool:
    """Whether whoever reads the intent comes to the request: by its id, or by its URL in the history."""
    if intent is None:
        return False
    if intent.state == "intended":
        return intent.url == url
    return intent.request is not None and intent.request[0] == number


def is_goal(desk: Desk, world: World) -> bool:
    """Whether nothing is left to be wished for: each job has its row, and if need be one for good."""
    if not desk.bounds.must_be_decided:
        return is_settled(world)
    rows = [desk.words.rows[job.row] for job in world.jobs]
    return all(row is not None and (row.state == "done" or row.is_permanent) for row in rows)
