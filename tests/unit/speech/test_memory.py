"""The scripted transcriber plays what it is told and keeps count."""

from __future__ import annotations

import pytest

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import RequestFailedError, ResultExpiredError, UncertainError
from pipeline.models import Answer, Transcript
from pipeline.speech.memory import Script, ScriptedTranscriber

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

    with pytest.raises(ResultExpiredError):
        speech.fetch(request, recipe)
    token.cancel()
    with pytest.raises(Cancelled):
        speech.wait(request, audio_s=None, cancel=token)
