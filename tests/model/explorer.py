"""Explores every interleaving from one beginning, breadth first: what is found broken has a shortest story."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterator
from typing import Any, NamedTuple

from model import fal_acts, redis_acts, s3_acts
from model.acting import NONE, Asked, Desk, Reply
from model.exploration import Exploration, Finding, Steps
from model.prefixes import Prefixes
from model.promises import broken_promise, is_goal
from model.reduction import meets_nothing
from model.surroundings import events
from model.telling import Teller
from model.words import Words
from model.world import (
    FREE,
    IDLE,
    UNREAD,
    UNSETTLED,
    Bounds,
    Budget,
    JobState,
    Laws,
    Message,
    Worker,
    World,
    canonical,
    is_quiet,
    is_settled,
)

from pipeline.models import Handling, Intent

_ACTS = {**redis_acts.ACTS, **s3_acts.ACTS, **fal_acts.ACTS}
_ENDS = frozenset({"Settled", "Later", "NotOurs", "Dropped", "Cancelled"})


class Step(NamedTuple):
    """One step and where it leads."""

    world: World
    told: tuple[Any, ...]
    """What happened, to be put into words when somebody asks."""
    fault: str = ""
    broken: str = ""


class Explorer:
    """One exploration: `run` it once."""

    def __init__(self, bounds: Bounds, laws: Laws | None = None) -> None:
        self._bounds = bounds
        silent = {"Note": NONE, "Probe": ("facts",), "SlowDown": NONE, "KeepUnplaced": ("text", "kept")}
        if bounds.permits is None:
            silent |= dict.fromkeys(("TakePermit", "CountInFlight", "GiveBackPermit"), NONE)
        if bounds.ceiling is None:
            silent["SettleCost"] = NONE
        if "account" not in bounds.kinds:
            silent["AskOrder"] = NONE  # nothing else stops a run here
        handling = Handling(
            delivery=bounds.delivery, store_io=bounds.stores_io, delete_payloads=bounds.deletes_payloads
        )
        self._words = Words(
            budgeted=bounds.ceiling is not None,
            handling=handling,
            is_second=bounds.is_second,
            deadline=bounds.deadline,
        )
        self.prefixes = Prefixes(self._words, silent)
        self._desk = Desk(self._words, self.prefixes, bounds, laws or Laws())
        self._teller = Teller(self._words)
        self._numbers: dict[World, int] = {}
        self._worlds: list[World] = []
        self._came_from = array("l")
        self._by: list[tuple[Any, ...]] = []
        self._without_fault = Steps()

    def run(self) -> Exploration:
        """Explores until something is found broken, or nothing new is left."""
        gc.disable()  # hundreds of thousands of tuples, none of them garbage
        try:
            return self._run()
        finally:
            gc.enable()

    def endings(self) -> set[str]:
        """The worlds in which all is settled, nobody works, and nothing more can happen without a fault."""
        found = set()
        for world in self._worlds:
            is_over = is_settled(world) and is_quiet(world) and not world.queue
            if is_over and all(event.fault for event in events(self._desk, world)):
                jobs = [self._teller.job(job) for job in canonical(world).jobs]
                found.add(f"{world.now} {world.faults} {world.ceiling} {world.budget} {jobs}")
        return found

    def intents(self) -> list[Intent]:
        """All intents that were written."""
        return [kept.intent for kept in self._words.kept if kept]

    def _run(self) -> Exploration:
        seen = Exploration()
        goals = []
        self._note(_beginning(self._bounds, self._words), -1, ())
        for number, world in enumerate(self._worlds):  # which grows meanwhile
            if is_goal(self._desk, world):
                goals.append(number)
            if is_settled(world) and is_quiet(world):
                seen.rows.update(self._teller.row(job.row) for job in world.jobs)
            for step in self._steps(world):
                seen.transitions += 1
                known = len(self._worlds)
                to = self._note(step.world, number, step.told)
                broken = step.broken or (to == known and broken_promise(self._desk, step.world))
                if broken:
                    story = [*self._story(number), self._teller.line(step.told)]
                    return self._summed(seen, Finding(broken, tuple(story)))
                if step.fault:
                    seen.faults[step.fault] += 1
                else:
                    self._without_fault.note(number, to)
        return self._summed(seen, self._stuck(goals))

    def _summed(self, seen: Exploration, finding: Finding | None) -> Exploration:
        seen.states, seen.places, seen.finding = len(self._worlds), len(self.prefixes.places), finding
        return seen

    def _note(self, world: World, came_from: int, by: tuple[Any, ...]) -> int:
        key = canonical(world)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._worlds)
            self._worlds.append(world)
            self._came_from.append(came_from)
            self._by.append(by)
        return number

    def _steps(self, world: World) -> Iterator[Step]:
        for index, worker in enumerate(world.workers):
            if worker.place >= 0 and meets_nothing(self._desk, world, worker):
                yield from self._acts(world, index)
                return
        asked = set()
        for index, worker in enumerate(world.workers):
            if worker not in asked:
                asked.add(worker)
                yield from self._takes(world, index) if worker.place < 0 else self._acts(world, index)
        for event in events(self._desk, world):
            after = event.world._replace(faults=world.faults - 1) if event.fault else event.world
            yield Step(after, (event.what,), event.fault, event.broken)

    def _takes(self, world: World, index: int) -> Iterator[Step]:
        for message in dict.fromkeys(world.queue):
            position = world.queue.index(message)
            left = world._replace(queue=(*world.queue[:position], *world.queue[position + 1 :]))
            place = self.prefixes.start(message.job, tired=message.is_tired)
            taken = _with_worker(left, index, Worker(place, message, ()))
            acts: list[tuple[Any, ...]] = []
            after, broken = self._on(taken, index, acts)
            yield Step(after, (index, "takes", message, acts), broken=broken)

    def _acts(self, world: World, index: int) -> Iterator[Step]:
        worker = world.workers[index]
        if self.prefixes.places[worker.place].op[0] == "End" and worker.message is not None:
            yield from self._puts_off(world, index, worker.message)
            return
        for reply in self._replies(world, worker):
            acts: list[tuple[Any, ...]] = []
            after, broken = self._answered(world, index, reply, acts)
            yield Step(after, (index, acts), reply.fault, broken)

    def _replies(self, world: World, worker: Worker) -> list[Reply]:
        """All that the worker may be answered, within the bounds."""
        place, message = self.prefixes.places[worker.place], worker.message
        if message is None:
            raise AssertionError(worker)
        replies = _ACTS[place.op[0]](Asked(self._desk, world, message.number, place))
        return [reply for reply in replies if not reply.fault or (world.faults and reply.fault in self._bounds.kinds)]

    def _answered(self, world: World, index: int, reply: Reply, acts: list[tuple[Any, ...]]) -> tuple[World, str]:
        """The world after a reply, and what is broken by it."""
        worker = world.workers[index]
        number = self.prefixes.after(worker.place, reply.answer)
        op = self.prefixes.places[number].op
        acts.append((self.prefixes.places[worker.place].op, reply.answer, op))
        after = reply.world._replace(faults=world.faults - 1) if reply.fault else reply.world
        if op[0] != "End" or op[1] == "Later":
            renews = worker.renews if reply.renews is None else reply.renews
            after = _with_worker(after, index, Worker(number, worker.message, renews))
            return (after, reply.broken) if reply.broken else self._on(after, index, acts)
        after = _with_worker(after, index, IDLE)
        if op[1] == "Cancelled":
            after = _with_message(after, worker.message)
        return after, reply.broken if op[1] in _ENDS else f"the protocol ends with {op[1]}"

    def _on(self, world: World, index: int, acts: list[tuple[Any, ...]]) -> tuple[World, str]:
        """On through acts that meet nothing else, have one answer only, and change nothing that is promised."""
        worker = world.workers[index]
        if meets_nothing(self._desk, world, worker):
            replies = self._replies(world, worker)
            is_lease = self.prefixes.places[worker.place].op[0] == "TakeLease"
            if len(replies) == 1 and (is_lease or replies[0].world is world):
                return self._answered(world, index, replies[0], acts)
        return world, ""

    def _puts_off(self, world: World, index: int, message: Message) -> Iterator[Step]:
        """The message of a job that is put off goes back to the queue."""
        idle = _with_worker(world, index, IDLE)
        yield Step(_with_message(idle, message._replace(is_tired=False)), (index, "puts off", message, []))
        if world.faults and "tired" in self._bounds.kinds:
            tired = _with_message(idle, message._replace(is_tired=True))._replace(faults=world.faults - 1)
            yield Step(tired, (index, "puts off for the last time", message, []), "tired")

    def _stuck(self, goals: list[int]) -> Finding | None:
        number = self._without_fault.first_without(goals, len(self._worlds))
        if number is None:
            return None
        return Finding("no way leads to a settled run any more", tuple(self._story(number)))

    def _story(self, number: int) -> list[str]:
        lines = []
        while number > 0:
            lines.append(self._teller.line(self._by[number]))
            number = self._came_from[number]
        return lines[::-1]


def _beginning(bounds: Bounds, words: Words) -> World:
    job = JobState(
        job=words.job(0, 0),
        intent=0,
        sidecar=bounds.sidecar,
        requests=(),
        lease=FREE,
        is_outstanding=True,
        is_started=False,
        row=0,
        row_place=UNSETTLED,
        permits=(),
        tickets=(),
        reading=UNREAD,
    )
    return World(
        now=bounds.moments[0],
        faults=bounds.faults,
        jobs=(job,) * bounds.jobs,
        workers=(IDLE,) * bounds.workers,
        queue=tuple(Message(number, job.job, is_tired=False) for number in range(bounds.jobs)),
        is_stopped=False,
        ceiling=bounds.ceiling or 0,
        budget=Budget(0, is_reached=False) if bounds.ceiling is not None else None,
    )


def _with_worker(world: World, index: int, worker: Worker) -> World:
    return world._replace(workers=(*world.workers[:index], worker, *world.workers[index + 1 :]))


def _with_message(world: World, message: Message | None) -> World:
    """A second message of the same kind changes nothing but their number."""
    if message is None or message in world.queue:
        return world
    return world._replace(queue=tuple(sorted((*world.queue, message))))
