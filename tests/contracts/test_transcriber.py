"""The contract of `Transcriber`, for the scripted one and for fal's client against the emulator process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import builders
import pytest
from pydantic import SecretStr

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import (
    AccountError,
    ConfigurationError,
    ResultExpiredError,
    ServiceUnavailableError,
    UncertainError,
)
from pipeline.keys import url_hash
from pipeline.models import Recipe
from pipeline.speech.base import Transcriber
from pipeline.speech.fal.transcriber import FalTranscriber
from pipeline.speech.memory import Script, ScriptedTranscriber

RECIPE = Recipe(endpoint_id="fal-ai/whisper", arguments={"task": "transcribe"})
UNSHOWN = Recipe(endpoint_id="fal-ai/cohere-transcribe", arguments={})


@dataclass
class World:
    """A transcriber, audio that it can open, and the same with a key and an endpoint that are refused."""

    transcriber: Transcriber
    audio_url: str
    with_wrong_key: Transcriber
    without_the_model: Transcriber
    losing_replies: Callable[[], Transcriber]
    """The same again, of whose next submission the reply will be lost."""

    def find(self, *exclude: str, by: Transcriber | None = None, since: datetime | None = None, url: str = ""):
        """Looks in the history for what was submitted with our audio."""
        sought = url_hash(url or self.audio_url)
        return (by or self.transcriber).find(
            RECIPE, sought, since=since or datetime.now(UTC), until=None, exclude=exclude
        )


@pytest.fixture(params=["scripted", "fal"])
def world(request):
    if request.param == "scripted":
        yield scripted_world()
        return
    yield from fal_world(request.getfixturevalue("archive"))


def scripted_world():
    wrong = ScriptedTranscriber(Script(submit=AccountError("refused", "key_rejected")))
    without = ScriptedTranscriber(Script(submit=ConfigurationError("unknown", "unknown_model")))
    good = ScriptedTranscriber(Script(builders.answer()))
    losing = ScriptedTranscriber(Script(builders.answer(), is_lost_but_accepted=True))
    return World(good, "https://a.test/a.mp3", wrong, without, lambda: losing)


def fal_world(archive):
    (key,) = archive.put_episodes(1)
    url = archive.client.generate_presigned_url("get_object", Params={"Bucket": archive.bucket, "Key": key})
    settings = builders.settings(
        NIGHTSCRIBE_PROFILE="local",
        NIGHTSCRIBE_FAL_QUEUE_URL=archive.servers.fal_url,
        NIGHTSCRIBE_FAL_PLATFORM_URL=archive.servers.fal_url,
        NIGHTSCRIBE_POLLING_MIN_S="0.05",
    )
    keys = [archive.environment["FAL_KEY"], "11111111-2222-3333-4444-555555555555:wrongwrongwrongwrong"]
    right, wrong = (FalTranscriber(settings.fal, settings.polling, SecretStr(each), "test/1") for each in keys)

    def losing():
        archive.fault({"on": "submit", "times": 1, "do": "lose_reply"})
        return right

    yield World(right, url, wrong, right, losing)
    archive.fault()
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

    world.transcriber.wait(unknown, audio_s=None, cancel=CancellationToken())
    with pytest.raises(ResultExpiredError):
        world.transcriber.fetch(unknown, RECIPE)


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


def test_payloads_may_be_deleted_and_deleted_again(world):
    """Of a model that nobody else here asks for: its row in the history could be anybody's from then on."""
    request = world.transcriber.submit(UNSHOWN, world.audio_url)
    world.transcriber.wait(request, audio_s=None, cancel=CancellationToken())
    world.transcriber.fetch(request, UNSHOWN)

    world.transcriber.delete_payloads(request.request_id)
    world.transcriber.delete_payloads(request.request_id)


def test_what_was_not_to_be_stored_is_never_found(world):
    """Not there, or not to be told from what others have not stored."""
    sought = url_hash(world.audio_url)
    world.transcriber.submit(UNSHOWN, world.audio_url, store_io=False)

    with suppress(UncertainError, ServiceUnavailableError):
        assert world.transcriber.find(UNSHOWN, sought, since=datetime.now(UTC), until=None, exclude=()) is None


def test_a_request_can_be_dropped(world):
    request = world.transcriber.submit(RECIPE, world.audio_url)

    assert isinstance(world.transcriber.cancel(request), bool)


def test_a_request_whose_reply_was_lost_is_found_followed_and_fetched(world):
    losing = world.losing_replies()
    with pytest.raises(UncertainError):
        losing.submit(RECIPE, world.audio_url)

    found = world.find(by=losing)
    losing.wait(found, audio_s=None, cancel=CancellationToken())

    assert found.endpoint_id == RECIPE.endpoint_id
    assert losing.fetch(found, RECIPE).transcript.has_speech


def test_the_history_tells_requests_apart_by_their_url(world):
    request = world.transcriber.submit(RECIPE, world.audio_url)

    assert world.find().request_id == request.request_id
    assert world.find(url=f"{world.audio_url}&other=1") is None
    assert world.find(request.request_id) is None


def test_of_two_requests_with_one_url_the_known_one_is_passed_over(world):
    first, second = (world.transcriber.submit(RECIPE, world.audio_url) for _ in range(2))

    assert world.find(first.request_id).request_id == second.request_id
    assert world.find(first.request_id, second.request_id) is None


def test_the_history_of_another_model_does_not_show_it(world):
    world.transcriber.submit(RECIPE, world.audio_url)
    other = Recipe(endpoint_id="fal-ai/wizper", arguments={})

    sought = url_hash(world.audio_url)

    assert world.transcriber.find(other, sought, since=datetime.now(UTC), until=None, exclude=()) is None


def test_of_a_request_whose_id_alone_is_known_the_service_says_whether_it_is_ours(world):
    request = world.transcriber.submit(RECIPE, world.audio_url)

    def recognise(request_id):
        return world.transcriber.recognise(RECIPE.endpoint_id, request_id, submitted_at=request.submitted_at)

    found = recognise(request.request_id)
    world.transcriber.wait(found, audio_s=None, cancel=CancellationToken())

    assert world.transcriber.fetch(found, RECIPE).transcript.has_speech
    assert recognise("99999999-9999-4999-8999-999999999999") is None
