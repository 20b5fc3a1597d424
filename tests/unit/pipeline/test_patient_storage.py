"""A store in a brown-out: the dispatcher waits for it, and not for ever."""

from __future__ import annotations

import pytest

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import ConfigurationError, ServiceUnavailableError, ThrottledError
from pipeline.storage.base import PreconditionFailedError
from pipeline.storage.memory import MemoryStorage
from pipeline.storage.patient import PatientStorage


class MovingClock(CancellationToken):
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def sleep(self, seconds: float) -> None:
        super().sleep(0)
        self.now_s += seconds


class Brownout(MemoryStorage):
    """Fails so many times before it does anything; a listing breaks off after two keys as often."""

    def __init__(self, error: Exception, failures: int) -> None:
        super().__init__(page_keys=1)
        self.error, self.failures = error, failures

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error

    def read(self, *place):
        self._fail()
        return super().read(*place)

    def write(self, *what, **options):
        self._fail()
        return super().write(*what, **options)

    def page(self, *place, after="", token=None):
        if token == "b":
            self._fail()
        return super().page(*place, after=after, token=token)


def patient(store, time, for_s=100.0):
    return PatientStorage(store, for_s=for_s, cancel=time, clock=lambda: time.now_s)


@pytest.mark.parametrize("error", [ServiceUnavailableError("away"), ThrottledError("SlowDown", delay_s=9.0)])
def test_a_call_is_repeated_until_the_store_is_back(error):
    store, time = Brownout(error, 5), MovingClock()

    patient(store, time).write("b", "k", b"x", content_type="text/plain")

    assert store.read("b", "k").body == b"x"
    assert time.now_s >= 5 * (error.delay_s or 1.0)


class LostReply(MemoryStorage):
    """Does the first write, and says that it could not."""

    lost = False

    def write(self, *what, **options):
        etag = super().write(*what, **options)
        if not self.lost:
            self.lost = True
            raise ServiceUnavailableError("no answer")
        return etag


def test_a_write_that_was_done_without_an_answer_does_not_lose_against_itself():
    store = LostReply()

    etag = patient(store, MovingClock()).write("b", "k", b"x", content_type="text/plain")

    assert store.read("b", "k").etag == etag


def test_a_write_that_lost_against_another_says_so_at_once():
    store, time = MemoryStorage(), MovingClock()
    store.put("b", "k", b"theirs")

    with pytest.raises(PreconditionFailedError):
        patient(store, time).write("b", "k", b"ours", content_type="text/plain")

    assert time.now_s == 0


def test_a_listing_that_breaks_off_goes_on_with_the_page_that_failed():
    store, time = Brownout(ServiceUnavailableError("away"), 3), MovingClock()
    for key in ("a", "b", "c", "é"):
        store.put("b", key, b"x")

    assert [listed.key for listed in patient(store, time).list("b", "")] == ["a", "b", "c", "é"]


@pytest.mark.parametrize("ask", [lambda s: s.read("b", "k"), lambda s: list(s.list("b", ""))], ids=["read", "list"])
def test_not_for_ever(ask):
    store, time = Brownout(ServiceUnavailableError("away"), 10_000), MovingClock()
    for key in ("a", "b", "c"):
        store.put("b", key, b"x")

    with pytest.raises(ServiceUnavailableError):
        ask(patient(store, time, for_s=30.0))

    assert 30 <= time.now_s < 40


def test_what_a_person_must_mend_is_said_at_once():
    store, time = Brownout(ConfigurationError("no right"), 1), MovingClock()

    with pytest.raises(ConfigurationError):
        patient(store, time).read("b", "k")

    assert time.now_s == 0


def test_being_told_to_stop_ends_the_wait():
    store, time = Brownout(ServiceUnavailableError("away"), 10), MovingClock()
    time.cancel()

    with pytest.raises(Cancelled):
        patient(store, time).read("b", "k")
