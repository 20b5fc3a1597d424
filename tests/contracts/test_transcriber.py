"""The contract of `Transcriber`, for the scripted one and for fal's client against the emulator process."""

from __future__ import annotations

from dataclasses import dataclass

import builders
import pytest
from pydantic import SecretStr

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import AccountError, ConfigurationError, ResultExpiredError
from pipeline.models import Recipe
from pipeline.speech.base import Transcriber
from pipeline.speech.fal import FalTranscriber
from pipeline.speech.memory import Script, ScriptedTranscriber

RECIPE = Recipe(endpoint_id="fal-ai/whisper", arguments={"task": "transcribe"})


@dataclass
class World:
    """A transcriber, audio that it can open, and the same with a key and an endpoint that are refused."""

    transcriber: Transcriber
    audio_url: str
    with_wrong_key: Transcriber
    without_the_model: Transcriber


@pytest.fixture(params=["scripted", "fal"])
def world(request):
    if request.param == "scripted":
        yield scripted_world()
        return
    yield from fal_world(request.getfixturevalue("archive"))


def scripted_world():
    wrong = ScriptedTranscriber(Script(submit=AccountError("refused", "key_rejected")))
    without = ScriptedTranscriber(Script(submit=ConfigurationError("unknown", "unknown_model")))
    return World(ScriptedTranscriber(Script(builders.answer())), "https://a.test/a.mp3", wrong, without)


def fal_world(archive):
    (key,) = archive.put_episodes(1)
    url = archive.client.generate_presigned_url("get_object", Params={"Bucket": archive.bucket, "Key": key})
    settings = builders.settings(
        NIGHTSCRIBE_PROFILE="local", NIGHTSCRIBE_FAL_QUEUE_URL=archive.servers.fal_url, NIGHTSCRIBE_POLLING_MIN_S="0.05"
    )
    keys = [archive.environment["FAL_KEY"], "11111111-2222-3333-4444-555555555555:wrongwrongwrongwrong"]
    right, wrong = (FalTranscriber(settings.fal, settings.polling, SecretStr(each), "test/1") for each in keys)
    yield World(right, url, wrong, right)
    right.close()
    wrong.close()


def test_a_request_is_accepted_waited_for_and_fetched(world):
    request = world.transcriber.submit(RECIPE, world.audio_url)
    world.transcriber.wait(request, audio_s=3.0, cancel=CancellationToken())
    answer = world.transcriber.fetch(request, RECIPE)

    assert answer.transcript.has_speech
    assert answer.raw["text"].split() == answer.transcript.text.split()


def test_two_submissions_are_two_requests(world):
    """There is no idempotency key: whoever submits twice pays twice."""
    first, second = (world.transcriber.submit(RECIPE, world.audio_url) for _ in range(2))

    assert first.request_id != second.request_id


def test_a_request_can_be_resumed_by_what_its_record_holds(world):
    request = world.transcriber.submit(RECIPE, world.audio_url)
    again = type(request).model_validate_json(request.model_dump_json())

    world.transcriber.wait(again, audio_s=None, cancel=CancellationToken())

    assert world.transcriber.fetch(again, RECIPE).transcript.has_speech


def test_a_cancelled_wait_ends_and_leaves_the_request_alone(world):
    request = world.transcriber.submit(RECIPE, world.audio_url)
    cancel = CancellationToken()
    cancel.cancel()

    with pytest.raises(Cancelled):
        world.transcriber.wait(request, audio_s=None, cancel=cancel)

    world.transcriber.wait(request, audio_s=None, cancel=CancellationToken())
    assert world.transcriber.fetch(request, RECIPE).transcript.has_speech


def test_a_request_that_the_service_does_not_know_has_expired(world):
    request = world.transcriber.submit(RECIPE, world.audio_url)
    unknown = type(request).model_validate_json(
        request.model_dump_json().replace(request.request_id, "99999999-9999-4999-8999-999999999999")
    )

    with pytest.raises(ResultExpiredError):
        world.transcriber.wait(unknown, audio_s=None, cancel=CancellationToken())


def test_a_good_key_is_good_and_a_wrong_one_is_refused(world):
    world.transcriber.check_key()

    with pytest.raises(AccountError):
        world.with_wrong_key.check_key()
    with pytest.raises(AccountError):
        world.with_wrong_key.submit(RECIPE, world.audio_url)


def test_a_model_that_does_not_exist_is_named_before_anything_is_paid(world):
    with pytest.raises(ConfigurationError) as caught:
        world.without_the_model.submit(Recipe(endpoint_id="fal-ai/whisprr", arguments={}), world.audio_url)

    assert caught.value.reason == "unknown_model"


def test_a_request_can_be_dropped(world):
    request = world.transcriber.submit(RECIPE, world.audio_url)

    assert isinstance(world.transcriber.cancel(request), bool)
