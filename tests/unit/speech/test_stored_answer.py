"""A result that fal's queue has forgotten: the history's copy of it, or why there is none."""

from __future__ import annotations

from urllib.parse import parse_qs

import httpx
import pytest

from pipeline.cancellation import CancellationToken
from pipeline.errors import (
    AudioRejectedError,
    RequestFailedError,
    ResultExpiredError,
    ServiceUnavailableError,
    ThrottledError,
)

AUDIO = "https://bucket.s3.test/a.mp3?X-Amz-Signature=canarysignature"
OUTPUT = {"text": " Kept.", "chunks": [{"timestamp": [0.0, 1.5], "text": " Kept."}]}


@pytest.fixture
def forgotten(fal, paid, reply):
    """Lets the queue forget the request, and the history show these rows for it."""

    def forget(*rows, **fields):
        for route in ("status", "result"):
            fal.play(route, reply(404, {"status": "NOT_FOUND"}))
        row = {"request_id": paid.request_id, "sent_at": "2026-11-22T00:00:00Z", "json_input": {"audio_url": AUDIO}}
        fal.play("history", reply(200, {"items": list(rows) or [row | fields], "has_more": False}))

    return forget


def failure(transcriber, paid, recipe):
    """What `fetch` raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  each test asserts the class itself
        transcriber.fetch(paid, recipe)
    assert len(caught.value.message) <= 300
    assert "canary" not in caught.value.message
    return caught.value


def test_a_forgotten_result_is_read_from_the_history(transcriber, fal, paid, recipe, forgotten):
    forgotten(status_code=200, ended_at="2026-11-22T00:01:00Z", duration=3.25, json_output=OUTPUT)

    transcriber.wait(paid, audio_s=60.0, cancel=CancellationToken())
    answer = transcriber.fetch(paid, recipe)

    assert (answer.transcript.text, answer.transcript.segments[0].end) == ("Kept.", 1.5)
    assert answer.raw == OUTPUT
    assert (answer.billable_units, answer.inference_s) == (None, 3.25)
    (asked,) = fal.asked("history")
    query = parse_qs(asked.url.query.decode())
    assert (query["request_id"], query["endpoint_id"]) == ([paid.request_id], ["fal-ai/whisper"])
    assert query["expand"] == ["payloads"]


def test_what_fal_measured_when_it_still_knew_wins_over_the_history(transcriber, fal, paid, recipe, reply, forgotten):
    transcriber.wait(paid, audio_s=60.0, cancel=CancellationToken())
    forgotten(json_output=OUTPUT, duration=99.0)  # without a status code, which the status that was seen stands in for

    assert transcriber.fetch(paid, recipe).inference_s == 3.5


def test_a_stored_answer_is_redacted_like_any_other(transcriber, paid, recipe, forgotten):
    forgotten(status_code=200, json_output=OUTPUT | {"source": AUDIO})

    assert transcriber.fetch(paid, recipe).raw["source"] == "https://bucket.s3.test/a.mp3?X-Amz-Signature=REDACTED"


def test_a_stored_answer_may_be_json_within_json(transcriber, paid, recipe, forgotten):
    forgotten(status_code=200, json_output='{"text": "Kept."}')

    assert transcriber.fetch(paid, recipe).raw == {"text": "Kept."}


def test_of_several_rows_the_one_with_the_answer_counts(transcriber, paid, recipe, forgotten):
    ours = {"request_id": paid.request_id}
    whole = ours | {"status_code": 200, "json_output": OUTPUT}
    forgotten({"request_id": "other", "status_code": 200, "json_output": {"text": "x"}}, ours, whole, ours)

    assert transcriber.fetch(paid, recipe).transcript.text == "Kept."


@pytest.mark.parametrize(
    "fields",
    [
        {"status_code": 200},
        {"status_code": 200, "json_output": None},
        {"status_code": 302, "json_output": OUTPUT},
        {"json_output": OUTPUT},
        {"ended_at": "2026-11-22T00:01:00Z"},
        {"request_id": "another one", "status_code": 200, "json_output": OUTPUT},
    ],
    ids=range(6),
)
def test_without_a_stored_success_the_result_has_expired(transcriber, paid, recipe, forgotten, fields):
    forgotten(**fields)

    assert type(failure(transcriber, paid, recipe)) is ResultExpiredError


FAILED = [
    (
        422,
        {"detail": [{"msg": AUDIO, "type": "audio_duration_too_long"}]},
        AudioRejectedError,
        "audio_duration_too_long",
    ),
    (422, {"detail": [{"msg": "x", "type": "file_download_error"}]}, RequestFailedError, "file_download_error"),
    (503, {"detail": "x", "error_type": "runner_disconnected"}, RequestFailedError, "runner_disconnected"),
    (500, None, RequestFailedError, "http_500"),
    (422, None, AudioRejectedError, "http_422"),
]


@pytest.mark.parametrize(("status", "output", "kind", "reason"), FAILED)
def test_a_stored_failure_means_what_it_meant(transcriber, paid, recipe, forgotten, status, output, kind, reason):
    forgotten(status_code=status, json_output=output)

    error = failure(transcriber, paid, recipe)

    assert (type(error), error.reason) == (kind, reason)


def test_a_request_that_the_history_shows_as_running_is_not_given_up(transcriber, paid, recipe, forgotten):
    """The URLs of an adopted request were built here: should fal's differ, its answer still comes this way."""
    forgotten(started_at="2026-11-22T00:00:01Z")

    error = failure(transcriber, paid, recipe)

    assert (type(error), error.reason) == (ServiceUnavailableError, "still_in_progress")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, ServiceUnavailableError),
        (429, ThrottledError),
        (401, ResultExpiredError),
        (403, ResultExpiredError),
        (404, ResultExpiredError),
    ],
)
def test_a_history_that_does_not_answer_now_is_asked_again_and_one_that_refuses_is_not(
    transcriber, fal, paid, recipe, reply, forgotten, status, kind
):
    forgotten()
    fal.play("history", reply(status, None))

    assert type(failure(transcriber, paid, recipe)) is kind


def test_a_history_that_cannot_be_reached_is_asked_again_later(transcriber, fal, paid, recipe, forgotten):
    forgotten()
    fal.play("history", httpx.ReadTimeout("slow"))

    assert type(failure(transcriber, paid, recipe)) is ServiceUnavailableError


def test_without_a_history_to_ask_the_result_has_expired(make, fal, paid, recipe, forgotten):
    forgotten(status_code=200, json_output=OUTPUT)

    assert type(failure(make(platform_url=""), paid, recipe)) is ResultExpiredError
    assert fal.asked("history") == []


def test_a_result_that_is_there_asks_no_history(transcriber, fal, paid, recipe):
    transcriber.fetch(paid, recipe)

    assert fal.asked("history") == []
