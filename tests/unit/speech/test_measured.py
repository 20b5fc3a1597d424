"""What is measured of fal: its answers by class, and how long requests are queued, run and served."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from pydantic import SecretStr

from pipeline.cancellation import CancellationToken
from pipeline.errors import NightscribeError
from pipeline.meters import FAL_ANSWERS, FAL_QUEUE_S, FAL_RUN_S, FAL_SERVICE_S, SUM, Meters
from pipeline.speech.fal.passage import Passage
from pipeline.speech.fal.transcriber import FalTranscriber
from pipeline.speech.fal.wire import StatusAnswer

AUDIO = "https://bucket.s3.test/a.mp3?X-Amz-Signature=canarysignature"
QUEUED, RUNNING = StatusAnswer(status="IN_QUEUE"), StatusAnswer(status="IN_PROGRESS")
DONE = StatusAnswer(status="COMPLETED")
MEASURED = StatusAnswer(status="COMPLETED", metrics={"inference_time": 20.0})


@pytest.fixture
def meters():
    return Meters()


@pytest.fixture
def metered(fal, fal_settings, polling, meters):
    transport = httpx.MockTransport(fal.handle)
    made = FalTranscriber(fal_settings, polling, SecretStr("id:secret"), "test/1", transport, meters=meters)
    yield made
    made.close()


def answers(meters):
    """Counts by call and class."""
    return {series[1:3]: count for series, count in meters.take().items() if series[0] == FAL_ANSWERS.name}


def test_every_answer_is_counted_by_its_call_and_class(metered, fal, recipe, paid, meters):
    fal.play("status", httpx.Response(502), httpx.Response(429), *[httpx.Response(200, json={"status": "COMPLETED"})])

    metered.submit(recipe, AUDIO)
    metered.wait(paid, audio_s=60.0, cancel=CancellationToken())
    metered.fetch(paid, recipe)

    assert answers(meters) == {
        ("submit", "2xx"): 1,
        ("status", "5xx"): 1,
        ("status", "429"): 1,
        ("status", "2xx"): 1,
        ("result", "2xx"): 1,
    }


@pytest.mark.parametrize(
    ("act", "kind"), [(httpx.ReadTimeout("slow"), "none"), (httpx.Response(422), "4xx"), (httpx.Response(302), "3xx")]
)
def test_a_submission_that_fails_is_counted_once(metered, fal, recipe, meters, act, kind):
    fal.play("submit", act)

    with pytest.raises(NightscribeError):
        metered.submit(recipe, AUDIO)

    assert answers(meters) == {("submit", kind): 1}


def test_no_connection_is_counted_for_each_host(metered, fal, recipe, meters):
    fal.play("submit", httpx.ConnectError("down"))

    with pytest.raises(NightscribeError):
        metered.submit(recipe, AUDIO)

    assert answers(meters) == {("submit", "none"): 2}


class Way:
    """A request whose looks come at given seconds after its submission."""

    def __init__(self, waited_s: float = 0.0) -> None:
        self.now_s = waited_s
        self.meters = Meters()
        self.passage = Passage("fal-ai/whisper", waited_s, lambda: self.now_s)

    def look(self, at_s: float, status: StatusAnswer) -> None:
        async def asked():
            return status

        self.now_s = at_s
        assert asyncio.run(self.passage.seen(asked())) is status
        if status.is_completed:
            self.passage.tell(self.meters, status)

    def told(self):
        """Seconds in fal's queue, running, and as a whole; None for what was not measured."""
        gathered = self.meters.take()
        return tuple(
            gathered.get((meter.name, "fal-ai/whisper", SUM)) for meter in (FAL_QUEUE_S, FAL_RUN_S, FAL_SERVICE_S)
        )


def test_fals_own_measure_of_the_running_counts():
    way = Way()
    way.look(5, QUEUED)
    way.look(12, RUNNING)
    way.look(33, MEASURED)

    assert way.told() == (12, 20, 33)


def test_a_request_that_began_long_before_it_was_seen_running_was_queued_for_the_rest_of_its_time():
    way = Way()
    way.look(20, RUNNING)
    way.look(25, MEASURED)

    assert way.told() == (5, 20, 25)


def test_without_it_the_looks_tell():
    way = Way()
    way.look(4, QUEUED)
    way.look(10, RUNNING)
    way.look(40, DONE)

    assert way.told() == (10, 30, 40)


def test_one_that_was_put_back_into_the_queue_began_later():
    way = Way()
    for at_s, status in enumerate([RUNNING, QUEUED, RUNNING, DONE], 1):
        way.look(at_s, status)

    assert way.told() == (3, 1, 4)


def test_what_was_only_seen_completed_tells_nothing_but_the_whole():
    way = Way()
    way.look(40, DONE)

    assert way.told() == (None, None, 40)


def test_of_a_request_that_was_taken_up_only_fals_measure_is_known():
    """Nobody looked while its first worker was dead: it may have been done for an hour."""
    way = Way(waited_s=3600.0)
    way.look(3601, MEASURED)

    assert way.told() == (None, 20, None)


def test_a_failed_request_is_no_measure():
    way = Way()
    way.look(3, StatusAnswer(status="COMPLETED", error="boom", metrics={"inference_time": 0.1}))

    assert way.told() == (None, None, None)
