"""The scripted transcriber plays what it is told and keeps count."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import RequestFailedError, ResultExpiredError, ServiceUnavailableError, UncertainError
from pipeline.keys import url_hash
from pipeline.models import Answer, Recipe, Transcript
from pipeline.speech.memory import Script, ScriptedTranscriber

AUDIO = "https://s3.test/b/a.mp3?X-Amz-Signature=x"
GOODBYE = Answer(transcript=Transcript(text="goodbye"), raw={"text": "goodbye"})


def test_scripts_play_in_order_and_the_last_one_repeats(recipe):
    speech = ScriptedTranscriber(Script(submit=UncertainError("lost")), Script(answer=GOODBYE))

    with pytest.raises(UncertainError):
        speech.submit(recipe, "https://s3.test/b/a.mp3")
    requests = [speech.submit(recipe, "https://s3.test/b/a.mp3") for _ in range(2)]

    assert [speech.fetch(request, recipe) for request in requests] == [GOODBYE, GOODBYE]
    assert len(speech.submits) == 3
    assert [act for act, _ in speech.calls] == ["submit", "submit", "fetch", "fetch"]


def test_an_objects_own_script_is_found_by_its_decoded_path(recipe):
    speech = ScriptedTranscriber(by_path={"/b/bad one.mp3": [Script(fetch=RequestFailedError("boom"))]})

    bad = speech.submit(recipe, "https://s3.test/b/bad%20one.mp3?X-Amz-Signature=x")
    good = speech.submit(recipe, "https://s3.test/b/good.mp3")

    with pytest.raises(RequestFailedError):
        speech.fetch(bad, recipe)
    assert speech.fetch(good, recipe).transcript.text == "hello"


def test_a_request_of_an_earlier_worker_can_be_resumed(recipe):
    speech = ScriptedTranscriber()
    request = speech.accept(Script(answer=GOODBYE))

    speech.wait(request, audio_s=None, cancel=CancellationToken())

    assert speech.fetch(request, recipe) == GOODBYE
    assert speech.submits == []


def test_a_strangers_request_has_expired_and_a_set_token_cancels(recipe):
    speech, token = ScriptedTranscriber(), CancellationToken()
    request = ScriptedTranscriber().accept(Script())

    speech.wait(request, audio_s=None, cancel=token)
    with pytest.raises(ResultExpiredError):
        speech.fetch(request, recipe)
    token.cancel()
    with pytest.raises(Cancelled):
        speech.wait(request, audio_s=None, cancel=token)


def find(speech, recipe, url=AUDIO, exclude=()):
    """A look for the request with that URL."""
    return speech.find(recipe, url_hash(url), since=datetime.now(UTC), until=None, exclude=exclude)


def test_a_lost_request_was_accepted_and_is_found_by_its_url(recipe):
    speech = ScriptedTranscriber(Script(GOODBYE, is_lost_but_accepted=True), Script())

    with pytest.raises(UncertainError):
        speech.submit(recipe, AUDIO)
    request = find(speech, recipe)

    assert speech.fetch(request, recipe) == GOODBYE
    assert find(speech, recipe, exclude={request.request_id}) is None
    assert find(speech, recipe, f"{AUDIO}other") is None
    assert find(speech, Recipe(endpoint_id="fal-ai/wizper", arguments={})) is None


def test_a_lost_request_may_raise_another_error(recipe):
    speech = ScriptedTranscriber(Script(submit=UncertainError("reset", "mine"), is_lost_but_accepted=True))

    with pytest.raises(UncertainError, match="reset"):
        speech.submit(recipe, AUDIO)
    assert find(speech, recipe) is not None


def test_a_request_that_was_never_accepted_is_not_found(recipe):
    speech = ScriptedTranscriber(Script(submit=UncertainError("lost")))

    with pytest.raises(UncertainError):
        speech.submit(recipe, AUDIO)

    assert find(speech, recipe) is None


def test_the_history_can_be_scripted_to_fail(recipe):
    speech = ScriptedTranscriber(Script(submit=UncertainError("lost"), find=ServiceUnavailableError("away")))
    speech.accept(Script(find=UncertainError("no", "history_unreadable")), url_hash="0" * 64)

    with pytest.raises(UncertainError):
        speech.submit(recipe, AUDIO)

    with pytest.raises(ServiceUnavailableError):
        find(speech, recipe)
    with pytest.raises(UncertainError, match="no"):
        speech.find(recipe, "0" * 64, since=datetime.now(UTC), until=None, exclude=())
