"""Reading a result: what it gives, and what each way to fail means."""

from __future__ import annotations

import httpx
import pytest

from pipeline.cancellation import CancellationToken
from pipeline.errors import (
    AccountError,
    AudioRejectedError,
    ConfigurationError,
    RequestFailedError,
    ResultExpiredError,
    ServiceUnavailableError,
    ThrottledError,
)
from pipeline.models import Recipe
from pipeline.speech.fal.failures import AUDIO_TYPES, OUTCOMES

AUDIO = "https://bucket.s3.test/a.mp3?X-Amz-Signature=canarysignature"
FAILED = {"status": "COMPLETED", "error": "it failed"}


def model_error(kind):
    """A failure in the model's own form, with the presigned URL that fal echoes."""
    return {"detail": [{"loc": ["body", "audio_url"], "msg": f"see {AUDIO}", "type": kind, "input": AUDIO}]}


def request_error(kind):
    """A failure of fal's infrastructure."""
    return {"detail": "something broke", "error_type": kind}


def failure(transcriber, paid, recipe):
    """What `fetch` raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  each test asserts the class itself
        transcriber.fetch(paid, recipe)
    assert len(caught.value.message) <= 300
    assert "canary" not in caught.value.message
    return caught.value


def test_an_answer_carries_transcript_raw_units_and_processing_time(transcriber, fal, paid, recipe):
    transcriber.wait(paid, audio_s=60.0, cancel=CancellationToken())

    answer = transcriber.fetch(paid, recipe)

    assert answer.transcript.text == "Hello."
    assert answer.raw == {"text": " Hello."}
    assert (answer.billable_units, answer.inference_s) == (2.5, 3.5)
    assert fal.count("GET") == 2


def test_a_request_that_another_process_waited_for_is_fetched_all_the_same(transcriber, paid, recipe):
    assert transcriber.fetch(paid, recipe).inference_s == 3.5


@pytest.mark.parametrize("units", ["", "many", "nan", "inf"])
def test_senseless_billable_units_are_unknown(transcriber, fal, paid, recipe, reply, units):
    fal.play("result", reply(200, {"text": "x"}, x_fal_billable_units=units))

    assert transcriber.fetch(paid, recipe).billable_units is None


def test_a_presigned_url_or_key_in_the_raw_answer_is_redacted(transcriber, fal, paid, recipe, reply):
    fal.play("result", reply(200, {"text": "x", "source": [AUDIO], "canary": "Key canary-id:canary-secret"}))

    raw = transcriber.fetch(paid, recipe).raw

    assert raw == {
        "text": "x",
        "source": ["https://bucket.s3.test/a.mp3?X-Amz-Signature=REDACTED"],
        "canary": "Key REDACTED",
    }


def test_an_answer_that_cannot_be_stored_as_it_came_is_mended(transcriber, fal, paid, recipe, reply):
    """JSON allows half characters and Python's reader NaN; neither can be written to S3 again."""
    fal.play("result", reply(200, '{"text": "a\\ud800b", "p": NaN, "\\udc00": "\\ud83d\\ude00"}'))

    answer = transcriber.fetch(paid, recipe)

    assert answer.raw == {"text": "a�b", "p": None, "�": "😀"}
    answer.model_dump_json().encode()


TYPED = [(kind, outcome.name) for kind, outcome in OUTCOMES.items()]
WITH_HEADER = {"FAILED": RequestFailedError, "FAILED_UNLESS_TOLD": AudioRejectedError, "REJECTED": AudioRejectedError}
WITHOUT_HEADER = {**WITH_HEADER, "FAILED_UNLESS_TOLD": RequestFailedError}
DOCUMENTED = (
    "request_timeout startup_timeout runner_scheduling_failure runner_connection_timeout runner_disconnected "
    "runner_connection_refused runner_connection_error runner_incomplete_response runner_server_error "
    "client_disconnected client_cancelled bad_request internal_error internal_server_error generation_timeout "
    "downstream_service_error downstream_service_unavailable file_download_error file_too_large "
    "audio_duration_too_long audio_duration_too_short unsupported_audio_format unsupported_video_format "
    "content_policy_violation no_media_generated feature_not_supported greater_than greater_than_equal less_than "
    "less_than_equal multiple_of one_of sequence_too_short sequence_too_long concurrent_requests_limit "
    "missing string_type value_error enum"
)


def test_every_documented_error_type_has_a_written_outcome():
    assert set(DOCUMENTED.split()) == set(OUTCOMES)
    assert set(OUTCOMES) >= AUDIO_TYPES


@pytest.mark.parametrize("body", [model_error, request_error])
@pytest.mark.parametrize(("kind", "outcome"), TYPED)
def test_a_failure_is_classified_by_its_type_alone(transcriber, fal, paid, recipe, reply, kind, outcome, body):
    fal.play("status", reply(200, {**FAILED, "error_type": kind}))
    for status in (422, 500):
        fal.play("result", reply(status, body(kind)))

        error = failure(transcriber, paid, recipe)

        assert (type(error), error.reason) == (WITHOUT_HEADER[outcome], kind)


@pytest.mark.parametrize("header", ["x_fal_retryable", "X_Fal_Needs_Retry"])
@pytest.mark.parametrize("value", ["0", "False"])
@pytest.mark.parametrize(("kind", "outcome"), TYPED)
def test_the_retry_header_decides_only_where_fal_says_so(
    transcriber, fal, paid, recipe, reply, kind, outcome, header, value
):
    fal.play("status", reply(200, FAILED))
    fal.play("result", reply(500, model_error(kind), **{header: value}))

    assert type(failure(transcriber, paid, recipe)) is WITH_HEADER[outcome]


@pytest.mark.parametrize("kind", ["internal_server_error", "generation_timeout"])
def test_a_retry_header_that_says_yes_changes_nothing(transcriber, fal, paid, recipe, reply, kind):
    fal.play("result", reply(500, model_error(kind), x_fal_retryable="1"))

    assert type(failure(transcriber, paid, recipe)) is RequestFailedError


@pytest.mark.parametrize(("status", "kind"), [(422, AudioRejectedError), (500, RequestFailedError)])
def test_an_unlisted_type_is_judged_by_its_status(transcriber, fal, paid, recipe, reply, status, kind):
    fal.play("result", reply(status, model_error("never_heard_of")))

    error = failure(transcriber, paid, recipe)

    assert (type(error), error.reason) == (kind, "never_heard_of")


def test_a_missed_start_deadline_has_its_own_reason(transcriber, fal, paid, recipe, reply):
    fal.play("status", reply(200, FAILED))
    fal.play("result", reply(504, request_error("request_timeout"), x_fal_request_timeout_type="user"))

    error = failure(transcriber, paid, recipe)

    assert (type(error), error.reason) == (RequestFailedError, "start_timeout")


def test_the_status_names_the_failure_when_the_result_does_not(transcriber, fal, paid, recipe, reply):
    fal.play("status", reply(200, {**FAILED, "error_type": "runner_disconnected"}))
    fal.play("result", reply(404, {"status": "NOT_FOUND"}))

    error = failure(transcriber, paid, recipe)

    assert (type(error), error.reason) == (RequestFailedError, "runner_disconnected")


def test_the_error_type_may_come_in_a_header_alone(transcriber, fal, paid, recipe, reply):
    fal.play("result", reply(503, "<html>", x_fal_error_type="runner_connection_error"))

    assert failure(transcriber, paid, recipe).reason == "runner_connection_error"


CONFIRMED = [
    (500, {"detail": "Internal Server Error"}, RequestFailedError, "http_500"),
    (503, {"detail": "CUDA error: out of memory"}, RequestFailedError, "http_503"),
    (429, {"detail": "busy"}, RequestFailedError, "http_429"),
    (499, None, RequestFailedError, "http_499"),
    (403, {"detail": "upstream says no"}, AudioRejectedError, "http_403"),
    (422, {"detail": "plain text"}, AudioRejectedError, "http_422"),
    (404, {"detail": "Path /foo not found"}, ConfigurationError, "unknown_model"),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), CONFIRMED)
def test_an_untyped_failure_counts_when_the_status_confirms_it(
    transcriber, fal, paid, recipe, reply, status, body, kind, reason
):
    fal.play("status", reply(200, FAILED))
    fal.play("result", reply(status, body))

    error = failure(transcriber, paid, recipe)

    assert (type(error), error.reason) == (kind, reason)
    assert fal.count("GET") == 2


def test_a_failure_whose_details_come_garbled_says_nothing_about_the_audio(transcriber, fal, paid, recipe, reply):
    """It was perhaps a download that failed: calling it the audio's fault would give a good recording up for good."""
    fal.play("status", reply(200, FAILED))
    fal.play("result", reply(422, '{"detail": [{"loc": ["bo'))

    error = failure(transcriber, paid, recipe)

    assert (type(error), error.reason) == (ServiceUnavailableError, "unreadable_result")


UNCONFIRMED = [
    (401, {"detail": "invalid key credentials"}, AccountError, "key_rejected", 1),
    (403, {"detail": "User is locked."}, AccountError, "account_locked", 1),
    (404, {"status": "NOT_FOUND"}, ResultExpiredError, "result_expired", 3),
    (429, {}, ThrottledError, "throttled", 6),
    (429, model_error("concurrent_requests_limit"), ThrottledError, "throttled", 6),
    (400, {"detail": "Request is still in progress"}, ServiceUnavailableError, "still_in_progress", 6),
    (202, {"status": "IN_PROGRESS"}, ServiceUnavailableError, "still_in_progress", 6),
    (500, {"detail": "Internal Server Error"}, ServiceUnavailableError, "service_unavailable", 6),
    (502, "<html>nginx</html>", ServiceUnavailableError, "service_unavailable", 6),
    (500, request_error("internal_error"), RequestFailedError, "internal_error", 6),
    (503, {"detail": "CUDA error: out of memory"}, RequestFailedError, "gpu_error", 6),
    (503, {"detail": "GPU error"}, RequestFailedError, "gpu_error", 6),
    (422, {"detail": "plain text"}, AudioRejectedError, "http_422", 6),
    (200, '{"text": "cut sho', ServiceUnavailableError, "unreadable_result", 6),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason", "looks"), UNCONFIRMED)
def test_a_failure_that_the_status_does_not_confirm_is_read_again_before_it_counts(
    transcriber, fal, paid, recipe, reply, status, body, kind, reason, looks
):
    """The gateway can fail on its own account; submitting again for that would pay twice."""
    fal.play("result", reply(status, body))

    error = failure(transcriber, paid, recipe)

    assert (type(error), error.reason) == (kind, reason)
    assert len(fal.asked("result")) == looks


@pytest.mark.parametrize(
    "stray",
    [
        httpx.Response(500, json={"detail": "x", "error_type": "internal_error"}),
        httpx.Response(503, text="nginx"),
        httpx.Response(404),
        httpx.Response(429, headers={"retry-after": "0"}),
        httpx.Response(400, json={"detail": "Request is still in progress"}),
        httpx.Response(200, text='{"text": "cut sho'),
        httpx.Response(200, text="[" * 100_000),
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
        OSError("tls alert"),
    ],
    ids=lambda act: str(getattr(act, "status_code", type(act).__name__)),
)
def test_a_paid_result_survives_a_stray_answer(transcriber, fal, paid, recipe, stray):
    good = fal.acts["result"][0]
    fal.play("result", stray, stray, good)

    assert transcriber.fetch(paid, recipe).transcript.text == "Hello."


def test_a_host_that_stays_away_is_reported_after_a_few_reads(transcriber, fal, paid, recipe):
    transcriber.wait(paid, audio_s=None, cancel=CancellationToken())
    fal.play("result", httpx.ReadError("reset"))

    assert type(failure(transcriber, paid, recipe)) is ServiceUnavailableError
    assert fal.count("GET") == 1 + 6


def test_an_unknown_answer_shape_is_kept_and_marked(transcriber, fal, paid, reply):
    fal.play("result", reply(200, ["what", "is", "this"]))

    answer = transcriber.fetch(paid, Recipe(endpoint_id="acme/odd", arguments={}))

    assert answer.raw == ["what", "is", "this"]
    assert answer.transcript.repairs == ("text_missing:1",)
