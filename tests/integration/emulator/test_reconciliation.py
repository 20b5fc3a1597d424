"""Our client against the emulator's history: lost requests are found again, forgotten results read from its copies."""

from datetime import UTC, datetime

import builders
import pytest
from archives import eventually
from pydantic import SecretStr

from pipeline.cancellation import CancellationToken
from pipeline.errors import (
    AudioRejectedError,
    ResultExpiredError,
    ServiceUnavailableError,
    ThrottledError,
    UncertainError,
)
from pipeline.keys import url_hash
from pipeline.models import PaidRequest, Recipe
from pipeline.speech.fal.history import PAGE_TRIES
from pipeline.speech.fal.transcriber import FalTranscriber

pytestmark = pytest.mark.integration

KEY = "11111111-aaaa:canary-secret-one"
RECIPE = Recipe(endpoint_id="fal-ai/whisper", arguments={"task": "transcribe"})
NEXT_REPLY_IS_LOST = {"on": "submit", "times": 1, "do": "lose_reply"}
AN_HOUR_IN_HALF_A_SECOND = ["--time-factor", "7200"]


@pytest.fixture
def transcriber_of():
    """Makes our client for an emulator, and closes it."""
    made = []

    def make(fal, key=KEY):
        settings = builders.settings(
            NIGHTSCRIBE_PROFILE="local",
            NIGHTSCRIBE_FAL_QUEUE_URL=fal.url,
            NIGHTSCRIBE_FAL_PLATFORM_URL=fal.url,
            NIGHTSCRIBE_POLLING_MIN_S="0.02",
        )
        made.append(FalTranscriber(settings.fal, settings.polling, SecretStr(key), "test/1"))
        return made[-1]

    yield make
    for transcriber in made:
        transcriber.close()


def lose(fal, transcriber, url):
    """Submits, and loses the reply."""
    fal.faults(NEXT_REPLY_IS_LOST)
    with pytest.raises(UncertainError):
        transcriber.submit(RECIPE, url)


def find(transcriber, url, *exclude):
    return transcriber.find(RECIPE, url_hash(url), since=datetime.now(UTC), until=None, exclude=exclude)


def finish(transcriber, request):
    """Waits for a request and fetches its answer."""
    transcriber.wait(request, audio_s=2.0, cancel=CancellationToken())
    return transcriber.fetch(request, RECIPE)


def paid(fal, accepted):
    """The record of a request that was submitted past our client."""
    urls = {name: accepted[name] for name in ("status_url", "response_url", "cancel_url")}
    now = datetime.now(UTC)
    return PaidRequest(request_id=accepted["request_id"], endpoint_id="fal-ai/whisper", submitted_at=now, **urls)


def test_a_lost_request_is_found_and_finished_on_one_bill(fal, tone, transcriber_of):
    transcriber = transcriber_of(fal)
    lose(fal, transcriber, tone)

    request = find(transcriber, tone)

    assert finish(transcriber, request).transcript.has_speech
    assert [bill["request_id"] for bill in fal.ledger()["bills"]] == [request.request_id]
    assert fal.ledger()["submits_received"] == 1


def test_a_submission_that_never_arrived_is_not_found(fal, tone, transcriber_of):
    transcriber = transcriber_of(fal)
    fal.faults({"on": "submit", "times": 1, "do": "drop"})
    with pytest.raises(UncertainError):
        transcriber.submit(RECIPE, tone)

    assert find(transcriber, tone) is None


def test_a_history_that_lags_shows_a_request_later(start_fal, tone, transcriber_of):
    soon, late = (start_fal("--engine", "scripted", "--history-lag-s", lag) for lag in ("1", "3600"))

    for fal in (soon, late):
        lose(fal, transcriber_of(fal), tone)

    assert eventually(lambda: find(transcriber_of(soon), tone), "the history shows the request")
    assert find(transcriber_of(late), tone) is None


def test_a_request_that_the_history_hides_while_it_is_queued_is_found_once_it_runs(start_fal, audio, transcriber_of):
    fal = start_fal("--engine", "scripted", "--history-hides-queued", "--concurrency", "1")
    transcriber, url = transcriber_of(fal), f"{audio.url}/tone.wav?signature=mine"
    fal.submit(f"{audio.url}/held/tone.wav")
    audio.wait_for(1)
    lose(fal, transcriber, url)
    hidden = find(transcriber, url)

    audio.release()
    request = eventually(lambda: find(transcriber, url), "the history shows the request")

    assert hidden is None
    assert finish(transcriber, request).transcript.has_speech


def test_a_lost_request_is_found_behind_a_hundred_newer_ones(start_fal, tone, transcriber_of):
    fal = start_fal("--engine", "scripted", "--service-s", "0.01", "--no-download", "--concurrency", "16")
    transcriber = transcriber_of(fal)
    lose(fal, transcriber, tone)
    eventually(lambda: fal.ledger()["bills"], "the lost request has ended")
    for number in range(105):
        fal.submit(f"{tone}{number}")

    assert find(transcriber, tone) is not None

    assert fal.ledger()["calls"]["history"] == 2


def test_inputs_that_are_not_stored_leave_it_open_what_happened(fal, tone, transcriber_of):
    """The stranger runs, so its input might still come."""
    fal.faults({"on": "process", "do": {"hold_s": 60}})
    fal.submit(tone, headers={"x-fal-store-io": "0"})

    with pytest.raises(ServiceUnavailableError) as caught:
        find(transcriber_of(fal), f"{tone}-other")
    assert caught.value.reason == "history_incomplete"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 500}, ServiceUnavailableError),
        ({"status": 429}, ThrottledError),
        ({"status": 403}, UncertainError),
        ("cut_json", ServiceUnavailableError),
        ("lose_reply", ServiceUnavailableError),
        ("truncate_body", ServiceUnavailableError),
    ],
)
def test_a_history_in_trouble_decides_nothing(fal, tone, transcriber_of, fault, kind):
    transcriber = transcriber_of(fal)
    lose(fal, transcriber, tone)
    times = 1 if kind is UncertainError else PAGE_TRIES
    fal.faults({"on": "history", "times": times, "match": {"endpoint": "fal-ai/whisper"}, "do": fault})

    with pytest.raises(kind) as caught:
        find(transcriber, tone)
    assert type(caught.value) is kind
    assert "canary" not in str(caught.value)
    assert find(transcriber, tone) is not None


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, "cut_json", "lose_reply"])
def test_one_failed_page_does_not_end_the_search(fal, tone, transcriber_of, fault):
    transcriber = transcriber_of(fal)
    lose(fal, transcriber, tone)
    fal.faults({"on": "history", "times": PAGE_TRIES - 1, "match": {"endpoint": "fal-ai/whisper"}, "do": fault})

    assert find(transcriber, tone) is not None
    assert fal.ledger()["calls"]["history"] == PAGE_TRIES


def test_a_key_that_may_not_read_the_history_decides_nothing(fal, tone, transcriber_of):
    with pytest.raises(UncertainError) as caught:
        find(transcriber_of(fal, "11111111-aaaa:wrong-canary"), tone)
    assert caught.value.reason == "history_unreadable"


def forgotten(fal, request):
    """Returns once the queue has forgotten the request."""
    gone = lambda: fal.http.get(request.response_url).status_code == 404  # noqa: E731
    eventually(gone, "the result has expired")
    return request


def test_a_result_that_the_queue_has_forgotten_is_read_from_the_history(start_fal, tone, transcriber_of):
    fal = start_fal("--engine", "scripted", "--no-download", *AN_HOUR_IN_HALF_A_SECOND)
    transcriber = transcriber_of(fal)
    request = transcriber.submit(RECIPE, tone)

    answer = finish(transcriber, forgotten(fal, request))

    assert answer.transcript.has_speech
    assert answer.billable_units is None
    assert len(fal.ledger()["bills"]) == 1


def test_a_failure_that_the_queue_has_forgotten_is_read_from_the_history(start_fal, audio, transcriber_of):
    fal = start_fal("--engine", "scripted", *AN_HOUR_IN_HALF_A_SECOND)
    transcriber = transcriber_of(fal)
    request = forgotten(fal, transcriber.submit(RECIPE, f"{audio.url}/junk.mp3?signature=canary"))

    with pytest.raises(AudioRejectedError) as caught:
        finish(transcriber, request)
    assert caught.value.reason == "unsupported_audio_format"


def test_a_result_that_was_not_stored_has_expired(start_fal, tone, transcriber_of):
    fal = start_fal("--engine", "scripted", "--no-download", *AN_HOUR_IN_HALF_A_SECOND)
    request = forgotten(fal, paid(fal, fal.submit(tone, headers={"x-fal-store-io": "0"})))

    with pytest.raises(ResultExpiredError):
        finish(transcriber_of(fal), request)


def test_a_result_of_more_than_a_megabyte_has_expired(start_fal, tone, transcriber_of):
    fal = start_fal("--engine", "scripted", "--no-download", "--words", "150000", *AN_HOUR_IN_HALF_A_SECOND)
    request = forgotten(fal, paid(fal, fal.submit(tone)))

    with pytest.raises(ResultExpiredError):
        finish(transcriber_of(fal), request)
