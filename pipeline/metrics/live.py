"""What Redis tells at this moment: queue, permits, workers, stop order, and the meters of all workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.limits.base import Budget, Permits
from pipeline.meters import Gathered, as_label
from pipeline.metrics.runs import run_samples
from pipeline.metrics.samples import Sample, sample
from pipeline.queue.base import QueueWatch, Waiting
from pipeline.runs.base import Runs, StopOrder, WorkerSummary
from pipeline.runs.meter_book import MeterBook


@dataclass(frozen=True, slots=True)
class Live:
    """Where it is read. All of these raise `ServiceUnavailableError`, within a second or two."""

    runs: Runs
    permits: Permits
    budget: Budget
    queue: QueueWatch
    meter_book: MeterBook

    def read(self, now_epoch_s: float) -> tuple[list[Sample], Gathered]:
        """All samples and the meters, or an error: half of it would look like zeros."""
        samples = [*_queue(self.queue.look(), now_epoch_s), *_permits(self.permits)]
        samples += [*_breaker(self.runs.stop_order()), *_workers(self.runs.workers())]
        samples += run_samples(self.runs.progress(), self.runs.summaries(), self.budget)
        return samples, self.meter_book.read()


def _queue(waiting: Waiting, now_epoch_s: float) -> Iterator[Sample]:
    yield sample("queue_jobs", waiting.jobs)
    if waiting.oldest_sent_epoch_s is not None:
        # The clocks of sender and exporter differ a little.
        yield sample("queue_oldest_seconds", max(0.0, now_epoch_s - waiting.oldest_sent_epoch_s))
    elif not waiting.jobs:
        yield sample("queue_oldest_seconds", 0)


def _permits(permits: Permits) -> Iterator[Sample]:
    use = permits.use()
    yield sample("permits_held", use.held)
    yield sample("permits_limit", use.limit)
    yield sample("permits_ceiling", use.ceiling)


def _breaker(order: StopOrder | None) -> Iterator[Sample]:
    if order is None:
        yield sample("breaker_open", 0, "", "")
    else:
        yield sample("breaker_open", 1, as_label(order.reason), "account" if order.by_account else "configuration")


def _workers(workers: list[WorkerSummary]) -> Iterator[Sample]:
    by_name = {worker.name: worker for worker in workers}
    yield sample("workers", len(by_name))
    for name, worker in sorted(by_name.items()):
        yield sample("worker_slots", worker.slots, name)
        yield sample("worker_busy_slots", worker.busy, name)
        yield sample("worker_stuck", worker.is_stuck, name)
