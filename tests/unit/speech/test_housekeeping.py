"""What fal may keep: the header that keeps it from storing, and the deletion of what it has stored."""

from __future__ import annotations

import pytest

from pipeline.errors import AccountError, ConfigurationError, NightscribeError, ServiceUnavailableError

URL = "https://queue.fal.run/audio.mp3"


def test_only_a_job_that_asks_for_it_tells_fal_to_store_nothing(transcriber, fal, recipe):
    transcriber.submit(recipe, URL, store_io=False)
    transcriber.submit(recipe, URL)

    assert [request.headers.get("x-fal-store-io") for request in fal.asked("submit")] == ["0", None]


def test_the_copies_of_a_request_are_deleted_by_its_id(transcriber, fal, reply):
    fal.play("delete", reply(200, {"cdn_delete_results": []}))

    transcriber.delete_payloads("abc/..?x=1")

    (asked,) = fal.asked("delete")
    assert str(asked.url) == "https://api.fal.ai/v1/models/requests/abc%2F..%3Fx%3D1/payloads"
    assert asked.headers["authorization"] == "Key canary-id:canary-secret"


@pytest.mark.parametrize("status", [200, 202, 204, 404, 410])
def test_what_is_not_there_any_more_is_deleted(transcriber, fal, reply, status):
    fal.play("delete", reply(status))

    transcriber.delete_payloads("abc")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AccountError), (403, AccountError), (400, ConfigurationError), (503, ServiceUnavailableError)],
)
def test_what_was_not_deleted_says_why(transcriber, fal, reply, status, kind):
    fal.play("delete", reply(status, {"error": {"type": "t", "message": "because"}}))

    with pytest.raises(kind, match="because"):
        transcriber.delete_payloads("abc")


def test_without_a_platform_nothing_can_be_deleted(make):
    with pytest.raises(NightscribeError, match="platform_url"):
        make(platform_url="").delete_payloads("abc")
