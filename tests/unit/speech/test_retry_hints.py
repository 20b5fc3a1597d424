"""What fal says about trying again: its retry headers, and how long to wait first."""

from __future__ import annotations

import pytest

from pipeline.errors import AudioRejectedError, RequestFailedError

FAILED = {"status": "COMPLETED", "error": "it failed"}


def model_error(kind):
    """A failure in the model's own form."""
    return {"detail": [{"loc": ["body", "audio_url"], "msg": "no", "type": kind}]}


def request_error(kind):
    """A failure of fal's infrastructure."""
    return {"detail": "something broke", "error_type": kind}


def failure(transcriber, paid, recipe):
    """What `fetch` raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  each test asserts the class itself
        transcriber.fetch(paid, recipe)
    return caught.value


@pytest.mark.parametrize("header", ["X_Fal_Retryable", "x_fal_needs_retry"])
@pytest.mark.parametrize(
    ("status", "value", "kind"),
    [
        (422, "1", RequestFailedError),
        (422, "TRUE", RequestFailedError),
        (422, "perhaps", AudioRejectedError),
        (500, "0", AudioRejectedError),
        (500, "false", AudioRejectedError),
        (500, "true", RequestFailedError),
    ],
)
def test_the_retry_header_decides_on_an_unlisted_type(
    transcriber, fal, paid, recipe, reply, header, status, value, kind
):
    fal.play("result", reply(status, model_error("never_heard_of"), **{header: value}))

    assert type(failure(transcriber, paid, recipe)) is kind


def test_two_retry_headers_that_disagree_mean_no(transcriber, fal, paid, recipe, reply):
    contradiction = reply(500, model_error("never_heard_of"), x_fal_retryable="1", x_fal_needs_retry="0")
    fal.play("result", contradiction)

    assert type(failure(transcriber, paid, recipe)) is AudioRejectedError


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, model_error("concurrent_requests_limit")),
        (503, request_error("runner_disconnected")),
        (504, request_error("request_timeout")),
        (422, model_error("file_download_error")),
        (500, {"detail": "Internal Server Error"}),
    ],
)
def test_a_failed_request_says_how_long_to_wait_before_the_next(transcriber, fal, paid, recipe, reply, status, body):
    fal.play("status", reply(200, FAILED))
    fal.play("result", reply(status, body, retry_after="7"))

    error = failure(transcriber, paid, recipe)

    assert (type(error), error.delay_s) == (RequestFailedError, 7.0)
