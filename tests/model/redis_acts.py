"""The acts on Redis: leases, the run, permits and budget; one atomic step each, as their scripts are."""

from __future__ import annotations

from collections.abc import Iterator

from model.acting import AWAY, CANCELLED, NO, NONE, YES, Asked, Reply, fresh_ticket, fresh_token
from model.words import ours
from model.world import (
    COUNTED,
    EXCUSED,
    FREE,
    IN_FLIGHT,
    IN_REDIS,
    KEPT,
    PARKED,
    PermitName,
    World,
    with_request,
)


def ask_order(asked: Asked) -> Iterator[Reply]:
    yield Reply(("order",) if asked.world.is_stopped else NONE, asked.world)


def take_lease(asked: Asked) -> Iterator[Reply]:
    if asked.job.lease > FREE:
        yield Reply(NONE, asked.world)
        return
    token = fresh_token(asked)
    taken = asked.after(lease=token, is_started=asked.job.is_started or asked.is_ours)
    yield Reply(("token", token), taken)
    yield Reply(CANCELLED, taken, "cancel")  # the reply was lost, and the process is told to stop


def is_wanted(asked: Asked) -> Iterator[Reply]:
    yield Reply(YES if asked.is_ours else NO, asked.world)
    yield Reply(CANCELLED, asked.world, "cancel")


def holds_lease(asked: Asked) -> Iterator[Reply]:
    yield Reply(YES if asked.holds_lease else NO, asked.world)
    if not asked.holds_lease:
        yield Reply(YES, asked.world, "redis")


def _is_nobody_elses(asked: Asked) -> bool:
    return asked.holds_lease or asked.job.lease == FREE


def park_lease(asked: Asked) -> Iterator[Reply]:
    yield Reply(NONE, asked.after(lease=PARKED) if _is_nobody_elses(asked) else asked.world)


def hand_back(asked: Asked) -> Iterator[Reply]:
    started = asked.job.is_started and not asked.is_ours
    given = asked.after(lease=FREE, is_started=started) if _is_nobody_elses(asked) else asked.world
    yield Reply(NONE, given)
    yield Reply(NONE, asked.world, "redis")


def release(asked: Asked) -> Iterator[Reply]:
    yield Reply(NONE, asked.after(lease=FREE) if asked.holds_lease else asked.world)
    yield Reply(CANCELLED, asked.world, "cancel")


def settle(asked: Asked) -> Iterator[Reply]:
    _, row, is_fenced = asked.place.op
    facts = asked.desk.words.rows[row]
    is_done = facts is not None and facts.state == "done"
    is_fenced = is_fenced and asked.desk.laws.rows_are_fenced
    if not asked.is_ours or (is_fenced and not _is_nobody_elses(asked)):
        yield Reply(NO, asked.world)
        return
    broken = ""
    if is_done and not ours(asked.job.sidecar):
        broken = "a row says done, and there is no sidecar"
    elif facts and not is_done and not _is_nobody_elses(asked):
        broken = f"a worker that has lost the job says {facts.state}"
    may_be_lost = asked.world.faults and "wipe" in asked.desk.bounds.kinds
    row_place = IN_REDIS if may_be_lost or asked.desk.bounds.ceiling is not None else KEPT
    settled = asked.after(is_outstanding=False, is_started=False, row=row, row_place=row_place)
    yield Reply(YES, settled, broken=broken)
    yield Reply(CANCELLED, settled, "cancel")
    yield Reply(CANCELLED, asked.world, "cancel")


def drop_job(asked: Asked) -> Iterator[Reply]:
    has_lease = asked.place.op[1]
    is_refused = asked.job.lease > FREE and not (has_lease and asked.holds_lease)
    if is_refused or not asked.is_ours:
        yield Reply(NONE, asked.world)
    else:
        yield Reply(NONE, asked.after(is_outstanding=False, is_started=False))


def stop_run(asked: Asked) -> Iterator[Reply]:
    yield Reply(NONE, asked.world._replace(is_stopped=True))


def take_permit(asked: Asked) -> Iterator[Reply]:
    name = ("lease", asked.place.token)
    taken = sum(len(job.permits) for job in asked.world.jobs)
    limit = asked.desk.bounds.permits
    if limit is None or taken < limit or not asked.desk.laws.permits_are_counted:
        yield Reply(NONE, _with_permits(asked, {*asked.job.permits, name}), renews=name)
    yield Reply(CANCELLED, asked.world, "cancel")


def count_in_flight(asked: Asked) -> Iterator[Reply]:
    index = asked.place.op[1]
    name, lease = ("request", index), ("lease", asked.place.token)
    counted = _with_permits(asked, {*asked.job.permits, name} - {lease})
    request = asked.job.requests[index]
    if request.permit != EXCUSED:
        counted = with_request(counted, asked.number, index, request._replace(permit=COUNTED))
    yield Reply(NONE, counted, renews=name)
    yield Reply(CANCELLED, asked.world, "cancel")


def give_back_permit(asked: Asked) -> Iterator[Reply]:
    name: PermitName = asked.place.op[1:]
    kind, number = name
    in_flight = [
        index
        for index, request in enumerate(asked.job.requests)
        if request.phase in IN_FLIGHT and (index == number if kind == "request" else request.permit == number)
    ]
    broken = "the permit of a request in flight is given back" if in_flight and name in asked.job.permits else ""
    given = _with_permits(asked, {*asked.job.permits} - {name})
    yield Reply(NONE, given, broken=broken, renews=())


def _with_permits(asked: Asked, permits: set[PermitName]) -> World:
    return asked.after(permits=tuple(sorted(permits)))


def take_turn(asked: Asked) -> Iterator[Reply]:
    yield Reply(NONE, asked.world)
    yield Reply(CANCELLED, asked.world, "cancel")


def reserve(asked: Asked) -> Iterator[Reply]:
    budget = asked.world.budget
    if budget is None:
        yield Reply(("raise", "BudgetUnknown"), asked.world)
        return
    others = sum(bool(job.tickets) for job in asked.world.jobs) - bool(asked.job.tickets)
    if not budget.is_reached and budget.spent + others + 1 <= asked.world.ceiling:
        ticket = fresh_ticket(asked.world, asked.desk.prefixes)
        yield Reply(("ticket", ticket), asked.after(tickets=tuple(sorted((*asked.job.tickets, ticket)))))
    else:
        reached = asked.world._replace(budget=budget._replace(is_reached=True))
        yield Reply(("raise", "BudgetReached"), reached)
    yield Reply(AWAY, asked.world, "redis")


def withdraw_reservation(asked: Asked) -> Iterator[Reply]:
    yield Reply(NONE, asked.after(tickets=tuple(other for other in asked.job.tickets if other != asked.place.ticket)))


def settle_cost(asked: Asked) -> Iterator[Reply]:
    budget, world = asked.world.budget, asked.world
    if budget is not None and asked.job.tickets:
        spent = budget.spent + bool(asked.place.op[1])
        world = asked.after(tickets=())._replace(budget=budget._replace(spent=spent))
    yield Reply(NONE, world)
    yield Reply(CANCELLED, asked.world, "cancel")


def may_submit(asked: Asked) -> Iterator[Reply]:
    laws, bounds, answer = asked.desk.laws, asked.desk.bounds, NONE
    holds_permit = bounds.permits is None or ("lease", asked.place.token) in asked.job.permits
    if asked.world.is_stopped:
        answer = ("text", "payment_required")
    elif not (asked.holds_lease and holds_permit) and laws.leases_are_checked:
        answer = ("text", "lease_lost")
    elif bounds.ceiling is not None and laws.reservations_are_checked:
        stands = asked.world.budget is not None and asked.place.ticket in asked.job.tickets
        answer = NONE if stands else ("text", "budget_changed")
    if answer == NONE and laws.deadlines_are_checked and _is_too_late(asked):
        answer = ("text", "after_deadline")
    yield Reply(answer, asked.world)
    yield Reply(CANCELLED, asked.world, "cancel")


def _is_too_late(asked: Asked) -> bool:
    return asked.desk.words.is_too_late(asked.place.job, asked.world.now)


ACTS = {
    "AskOrder": ask_order,
    "TakeLease": take_lease,
    "IsWanted": is_wanted,
    "HoldsLease": holds_lease,
    "ParkLease": park_lease,
    "HandBack": hand_back,
    "Release": release,
    "Settle": settle,
    "DropJob": drop_job,
    "StopRun": stop_run,
    "TakePermit": take_permit,
    "CountInFlight": count_in_flight,
    "GiveBackPermit": give_back_permit,
    "TakeTurn": take_turn,
    "Reserve": reserve,
    "WithdrawReservation": withdraw_reservation,
    "SettleCost": settle_cost,
    "MaySubmit": may_submit,
}
