"""A world for the submit stage: memory implementations, a clock that is moved, and workers that act when it sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import builders

from pipeline.cancellation import CancellationToken
from pipeline.models import Job, ManifestRow, Skip
from pipeline.queue.memory import MemoryQueue
from pipeline.runs.base import RunTicket, WorkerSummary
from pipeline.runs.memory import MemoryRuns, MemoryState
from pipeline.runs.memory_leases import MemoryLeases
from pipeline.spending import RunBudget
from pipeline.submit import Dispatch, Enqueued, Event, SettledRow


class SteppedToken(CancellationToken):
    """Every sleep moves the clock and lets the world act, so that no test waits."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def sleep(self, seconds: float) -> None:
        self.raise_if_cancelled()
        self.world.now += seconds
        self.world.act()


class World:
    """A dispatcher, and workers that act whenever it sleeps."""

    def __init__(self, **variables: str) -> None:
        self.now = 0.0
        self.settings = builders.settings(**variables)
        self.state = MemoryState(lambda: self.now)
        self.runs = MemoryRuns(self.state, dispatcher_lease_s=self.settings.run.dispatcher_lease_s, worker_lease_s=30.0)
        self.leases = MemoryLeases(self.state, owner="w1", lease_s=30.0)
        self.queue = MemoryQueue()
        self.kept: list[ManifestRow] = []
        self.keep: Callable[[list[ManifestRow]], None] = self.kept.extend
        self.budget: RunBudget | None = None
        self.seconds: Callable[[], Iterable[Job]] = tuple
        self.submit_before = float("inf")
        """On the clock of this world."""
        self.unsettled: dict[str, Job] = {}
        self.looked_through = 0
        self.cancel = SteppedToken(self)
        self.act: Callable[[], object] = self.work
        self.ticket = self.open()
        self.idle()

    def open(self) -> RunTicket:
        return self.runs.open("archive", "recipe", new_run_id="run1", archive_uri="s3://b/", endpoint_id="e")

    def work(self) -> None:
        """One job per sleep, well done; and a sign of life."""
        self.idle()
        if self.queue.jobs:
            self.settle(self.queue.jobs.pop(0))

    def settle(self, job: Job, **changes: Any) -> None:
        self.runs.settle(job, builders.row(job.object.key, **changes))

    def idle(self, *, is_stuck: bool = False) -> None:
        """A sign of life."""
        self.runs.show_worker(WorkerSummary("w1", 8, 0, is_stuck=is_stuck))

    def wipe(self) -> None:
        """FLUSHALL: messages, outstanding jobs, rows, leases and workers. The run's record the beat tells anew."""
        self.state.jobs.clear()
        self.state.leases.clear()
        self.state.workers.clear()
        self.queue.jobs.clear()

    def forgotten(self) -> list[Job]:
        """What was sent and has not come back; counts how often it is asked for."""
        self.looked_through += 1
        return list(self.unsettled.values())

    def dispatch(self, decisions: Iterable[Job | Skip]) -> Iterator[Event]:
        """The events; what they tell of unsettled jobs is kept, as the draft of a manifest keeps it."""
        dispatch = Dispatch(
            ticket=self.ticket,
            runs=self.runs,
            queue=self.queue,
            marks=self.settings.queue,
            rhythm=self.settings.run,
            cancel=self.cancel,
            clock=lambda: self.now,
            keep=self.keep,
            forgotten=self.forgotten,
            budget=self.budget,
            seconds=self.seconds,
            is_too_late=lambda: self.now >= self.submit_before,
        )
        for event in dispatch.run(decisions):
            match event:
                case Enqueued(job):
                    self.unsettled[job.object.key] = job
                case SettledRow(row):
                    self.unsettled.pop(row.key, None)
            yield event


def jobs(count: int, **changes: Any) -> list[Job]:
    """That many jobs, in key order."""
    return [builders.job(builders.audio(f"{number:03}.mp3"), **changes) for number in range(count)]


def of(events: Iterable[Event], kind: type) -> list[Any]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]
