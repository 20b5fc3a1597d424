"""A heartbeat hands on what the process has counted; what does not arrive is kept for the next."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipeline.cancellation import CancellationToken
from pipeline.errors import ServiceUnavailableError
from pipeline.meters import SLOW_DOWNS, TOTAL, Meters
from pipeline.runs.memory_meters import MemoryMeterBook
from workers.lifecycle import Worker

SERIES = (SLOW_DOWNS.name, TOTAL)


class Book(MemoryMeterBook):
    """A book that can be away."""

    is_away = False

    def add(self, gathered):
        if self.is_away:
            raise ServiceUnavailableError("Redis is away.")
        super().add(gathered)


@pytest.fixture
def book():
    return Book()


@pytest.fixture
def worker(book):
    parts = SimpleNamespace(tools=SimpleNamespace(meters=Meters()), meter_book=book, close=lambda: None)
    return Worker(name="w1", parts=parts, cancel=CancellationToken(), slots=4)


def test_what_was_counted_while_redis_was_away_arrives_later_and_once(worker, book):
    meters = worker.parts.tools.meters
    meters.count(SLOW_DOWNS)
    book.is_away = True
    with pytest.raises(ServiceUnavailableError):
        worker._hand_on_meters()
    meters.count(SLOW_DOWNS)

    book.is_away = False
    worker._hand_on_meters()
    worker._hand_on_meters()

    assert book.read() == {SERIES: 2}


def test_a_worker_that_ends_hands_on_what_is_left(worker, book):
    worker.parts.tools.meters.count(SLOW_DOWNS)

    worker.stop()

    assert book.read() == {SERIES: 1}


def test_a_worker_ends_without_redis_too(worker, book):
    book.is_away = True

    worker.stop()
