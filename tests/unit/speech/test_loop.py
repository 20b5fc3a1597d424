"""The loop thread and the transcriber's life: starts late, serves many threads, leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import ConfigurationError, ServiceUnavailableError, UncertainError
from pipeline.speech.fal.loop import LoopThread
from pipeline.speech.fal.transcriber import FalTranscriber


async def nothing():
    """Closes nothing."""


@pytest.fixture
def loop():
    thread = LoopThread(nothing)
    yield thread
    thread.close()


def loop_threads():
    """The threads that an event loop of ours runs on."""
    return [thread for thread in threading.enumerate() if thread.name == "fal-loop"]


def test_no_thread_exists_before_the_first_run(loop):
    before = len(loop_threads())

    assert loop.run(asyncio.sleep(0, "answer")) == "answer"

    assert len(loop_threads()) == before + 1


def test_an_exception_of_the_coroutine_reaches_the_caller(loop):
    async def fail():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        loop.run(fail())


def test_closing_wakes_every_waiter_and_joins_the_thread():
    before = len(loop_threads())
    loop, started = LoopThread(nothing), threading.Semaphore(0)

    async def hang():
        started.release()
        await asyncio.Event().wait()

    def slot():
        with pytest.raises(Cancelled):
            loop.run(hang())

    with ThreadPoolExecutor(8) as pool:
        slots = [pool.submit(slot) for _ in range(8)]
        assert all(started.acquire(timeout=10) for _ in slots)
        loop.close()
        for future in slots:
            future.result(10)

    assert len(loop_threads()) == before


def test_a_closed_loop_runs_nothing_and_closes_twice_in_peace(loop):
    loop.run(asyncio.sleep(0))
    loop.close()
    loop.close()

    with pytest.raises(Cancelled):
        loop.run(asyncio.sleep(0))


def test_a_cancelled_coroutine_is_really_ended(loop):
    token, started, ended = CancellationToken(), threading.Event(), threading.Event()

    async def hang():
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    threading.Thread(target=lambda: started.wait(10) and token.cancel()).start()
    with pytest.raises(Cancelled):
        loop.run(hang(), token)
    assert ended.wait(10)


def test_a_post_that_is_cut_by_closing_is_uncertain(make, fal, recipe):
    posted = threading.Event()

    async def hang(_):
        posted.set()
        await asyncio.Event().wait()

    fal.play("submit", hang)
    transcriber = make()
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(transcriber.submit, recipe, "https://x.test/a.mp3")
        assert posted.wait(10)
        transcriber.close()

        with pytest.raises(UncertainError):
            outcome.result(10)


def test_a_post_that_only_queued_when_closed_was_not_sent(make, fal, recipe):
    """One connection: the second submission waits behind the first, and has sent nothing when both are cancelled."""
    posted = threading.Event()

    async def hang(_):
        posted.set()
        await asyncio.Event().wait()

    fal.play("submit", hang)
    transcriber = make(max_connections=1)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(transcriber.submit, recipe, "https://x.test/a.mp3")
        assert posted.wait(10)
        second = pool.submit(transcriber.submit, recipe, "https://x.test/b.mp3")
        transcriber.close()

        assert isinstance(first.exception(10), UncertainError)
        assert isinstance(second.exception(10), ServiceUnavailableError)
    assert fal.count("POST") == 1


def test_after_closing_a_submission_promises_that_nothing_was_sent(make, fal, recipe):
    transcriber = make()
    transcriber.close()

    with pytest.raises(ServiceUnavailableError):
        transcriber.submit(recipe, "https://x.test/a.mp3")
    assert fal.requests == []


@pytest.mark.parametrize("key", ["", " ", "a b\n", "id:secret\n", "clé:x"])
def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(fal_settings, polling, key):
    with pytest.raises(ConfigurationError) as caught:
        FalTranscriber(fal_settings, polling, SecretStr(key), "test/1")
    assert not key.strip() or key.strip() not in caught.value.message
