"""Waiting for what fal calls back for: few looks, one at once after a notice, and never an end without a look."""

from __future__ import annotations

import asyncio
import threading
from urllib.parse import parse_qs

import httpx
import pytest

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import ServiceUnavailableError
from pipeline.speech.fal.told import Told

DONE = {"status": "COMPLETED", "logs": None}
RUNNING = {"status": "IN_PROGRESS", "logs": None}
WEBHOOK = "https://hooks.example.org/night/0123.a-b_c"


class Bell:
    """What rings a slot, as `Notices.on_notice` does."""

    def __init__(self, *, rings_at_once=False) -> None:
        self.tells = []
        self.registered = threading.Event()
        self.forgotten = 0
        self._rings_at_once = rings_at_once

    def __call__(self, tell):
        self.tells.append(tell)
        self.registered.set()
        if self._rings_at_once:
            tell()
        return self._forget

    def ring(self) -> None:
        for tell in self.tells:
            tell()

    def _forget(self) -> None:
        self.forgotten += 1


def wait(transcriber, paid, bell, cancel=None):
    transcriber.wait(paid, audio_s=60.0, cancel=cancel or CancellationToken(), on_notice=bell)


@pytest.fixture
def waiting(transcriber, paid):
    """A slot that waits in a thread of its own."""
    bell = Bell()
    thread = threading.Thread(target=wait, args=(transcriber, paid, bell))
    thread.start()
    yield bell, thread
    transcriber.close()
    thread.join(20)


def test_a_notice_brings_the_look_that_ends_the_wait(waiting, fal, reply):
    """The next poll would come in a minute."""
    bell, thread = waiting
    fal.play("status", reply(200, DONE))
    assert bell.registered.wait(20)

    bell.ring()

    thread.join(20)
    assert not thread.is_alive()
    assert (fal.count("GET"), bell.forgotten) == (1, 1)


def test_a_notice_that_came_before_the_wait_counts(transcriber, fal, paid, reply):
    fal.play("status", reply(200, DONE))

    wait(transcriber, paid, Bell(rings_at_once=True))

    assert fal.count("GET") == 1


def test_a_notice_that_fal_does_not_confirm_ends_nothing_and_is_followed_by_looks(transcriber, fal, paid, reply):
    """Early, or a lie: fal's own status decides, however often it takes."""
    fal.play("status", *[reply(202, RUNNING)] * 5, reply(200, DONE))

    wait(transcriber, paid, Bell(rings_at_once=True))

    assert fal.count("GET") == 6


@pytest.mark.parametrize("stray", [httpx.Response(500), httpx.ReadTimeout("slow"), httpx.Response(200, text="{")])
def test_after_a_notice_a_look_that_fails_is_repeated(transcriber, fal, paid, reply, stray):
    fal.play("status", stray, reply(200, DONE))

    wait(transcriber, paid, Bell(rings_at_once=True))

    assert fal.count("GET") == 2


def test_without_any_notice_the_deadline_still_ends_the_wait(make, fal, paid, reply):
    transcriber = make(wait_timeout_s=0.05)
    fal.play("status", reply(202, RUNNING))
    bell = Bell()

    with pytest.raises(ServiceUnavailableError):
        wait(transcriber, paid, bell)

    assert bell.forgotten == 1


def test_a_worker_that_stops_is_not_held_by_the_long_sleep(transcriber, paid):
    cancel, bell = CancellationToken(), Bell()
    outcome = []

    def slot():
        try:
            wait(transcriber, paid, bell, cancel)
        except Cancelled:
            outcome.append("cancelled")

    thread = threading.Thread(target=slot)
    thread.start()
    assert bell.registered.wait(20)
    cancel.cancel()
    thread.join(20)

    assert (outcome, bell.forgotten) == (["cancelled"], 1)


def test_the_paid_post_names_the_address_to_call(transcriber, fal, recipe):
    transcriber.submit(recipe, "https://audio.test/a.mp3", webhook_url=WEBHOOK)
    transcriber.submit(recipe, "https://audio.test/a.mp3")

    called, silent = fal.asked("submit")
    assert parse_qs(called.url.query.decode()) == {"fal_webhook": [WEBHOOK]}
    assert called.url.path == silent.url.path
    assert silent.url.query == b""
    assert called.content == silent.content


def test_the_address_goes_to_the_backup_host_too(transcriber, fal, recipe):
    fal.play("submit", httpx.ConnectError("down"), httpx.Response(200, json=fal.accepted))

    transcriber.submit(recipe, "https://audio.test/a.mp3", webhook_url=WEBHOOK)

    assert [parse_qs(sent.url.query.decode())["fal_webhook"] for sent in fal.asked("submit")] == [[WEBHOOK]] * 2


def test_a_request_of_which_only_the_id_is_known_is_recognised_by_a_look(transcriber, fal, paid, reply):
    fal.play("status", reply(202, RUNNING))

    found = transcriber.recognise(paid.endpoint_id, paid.request_id, submitted_at=paid.submitted_at)

    assert found is not None
    assert (found.request_id, found.submitted_at) == (paid.request_id, paid.submitted_at)
    assert found.status_url in fal.urls("GET")


def test_a_request_that_fal_does_not_know_under_our_key_is_not_recognised(transcriber, fal, paid, reply):
    fal.play("status", reply(404, {"status": "NOT_FOUND"}))

    assert transcriber.recognise(paid.endpoint_id, paid.request_id, submitted_at=paid.submitted_at) is None


def test_while_fal_does_not_say_it_is_neither_recognised_nor_refused(transcriber, fal, paid, reply):
    fal.play("status", reply(503, {"detail": "no"}))

    with pytest.raises(ServiceUnavailableError):
        transcriber.recognise(paid.endpoint_id, paid.request_id, submitted_at=paid.submitted_at)


def test_a_bell_may_ring_before_between_and_during_sleeps():
    async def sleeps():
        told, results = Told(), []
        told.tell()
        results.append(await told.sleep(60))
        results.append(await told.sleep(0.001))
        asyncio.get_running_loop().call_later(0.001, lambda: threading.Thread(target=told.tell).start())
        results.append(await told.sleep(60))
        results.append(await told.sleep(0))
        return results

    assert asyncio.run(sleeps()) == [True, False, True, False]
