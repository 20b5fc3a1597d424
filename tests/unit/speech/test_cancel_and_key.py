"""Cancelling a request, and checking the key: the two calls beside the way of a job."""

from __future__ import annotations

import httpx
import pytest

from pipeline.errors import AccountError, ServiceUnavailableError, ThrottledError


@pytest.mark.parametrize(("status", "expected"), [(200, True), (202, True), (400, False), (404, False)])
def test_cancelling_says_whether_it_came_in_time(transcriber, fal, paid, reply, status, expected):
    fal.play("cancel", reply(status, {"status": "x"}))

    assert transcriber.cancel(paid) is expected
    assert fal.urls("PUT") == [paid.cancel_url]


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (httpx.Response(401), AccountError),
        (httpx.Response(503), ServiceUnavailableError),
        (httpx.Response(429), ThrottledError),
        (httpx.ReadError("reset"), ServiceUnavailableError),
    ],
)
def test_a_cancellation_that_was_not_answered_says_so(transcriber, fal, paid, act, kind):
    fal.play("cancel", act)

    with pytest.raises(kind):
        transcriber.cancel(paid)


def test_a_good_key_is_one_for_which_nothing_is_found(transcriber, fal, reply):
    fal.play("status", reply(404, {"status": "NOT_FOUND"}))

    transcriber.check_key()

    assert fal.count("POST") == 0
    assert fal.requests[0].headers["authorization"] == "Key canary-id:canary-secret"


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (401, AccountError, "key_rejected"),
        (403, AccountError, "account_locked"),
        (503, ServiceUnavailableError, "service_unavailable"),
    ],
)
def test_a_bad_key_is_told_from_a_service_that_is_away(transcriber, fal, reply, status, kind, reason):
    fal.play("status", reply(status, {"detail": "User is locked."}))

    with pytest.raises(kind) as caught:
        transcriber.check_key()
    assert caught.value.reason == reason
