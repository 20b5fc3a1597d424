"""Which acts need not be interleaved with anything, because nothing else that may happen would make a difference.

Where such an act is due, it suffices to explore what it does: every story has an equal one in which it happens first.
"""

from __future__ import annotations

from model.acting import Desk
from model.prefixes import Place
from model.world import IN_FLIGHT, UNSETTLED, JobState, Worker, World

_BY_THEMSELVES = frozenset({"TakeTurn", "Fetch", "SourceIsUnchanged"})
_BY_THE_CLOCK = frozenset({"AskTime", "Sign", "Upload"})
_OF_ONE_OBJECT = frozenset({"IsWanted", "LookAtSidecar", "ReadIntent", "WriteSidecar", "HoldsLease", "ParkLease"})


def meets_nothing(desk: Desk, world: World, worker: Worker) -> bool:
    """Whether the worker's next act meets nothing else."""
    place, message = desk.prefixes.places[worker.place], worker.message
    if message is None:
        return False
    name, job = place.op[0], world.jobs[message.number]
    is_last = world.now >= desk.bounds.moments[-1]
    if name in _BY_THE_CLOCK:
        return is_last or not desk.bounds.may_pause_before_the_clock
    if name in _BY_THEMSELVES or (name == "Wait" and job.requests[place.op[1]].phase not in IN_FLIGHT):
        return True
    if world.faults or not is_last:
        return False
    # A message that was taken may as well be in the queue until its job's lease is asked for.
    return name == "TakeLease" or (_is_alone(world, worker, message.number) and _is_left_alone(desk, world, job, place))


def _is_left_alone(desk: Desk, world: World, job: JobState, place: Place) -> bool:
    """Whether nobody can come near the object before the act is done, now that there will be no fault."""
    if job.row_place != UNSETTLED:
        return place.op[0] == "Release" and not job.is_outstanding and desk.bounds.runs == 1
    is_held = job.lease == place.token and job.is_outstanding and job.job == place.job
    if place.op[0] == "WriteIntent":
        return is_held and (desk.bounds.ceiling is None or world.budget is not None)  # else intents are added up
    return is_held and place.op[0] in _OF_ONE_OBJECT


def _is_alone(world: World, worker: Worker, number: int) -> bool:
    """Whether nobody else is near the object."""
    return all(message.number != number for message in world.queue) and not any(
        other is not worker and other.message and other.message.number == number for other in world.workers
    )
