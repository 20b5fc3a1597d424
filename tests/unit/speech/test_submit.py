"""The paid POST: sent once, and every way it can end has one meaning."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from pipeline.errors import (
    AccountError,
    AudioRejectedError,
    BadInputError,
    ConfigurationError,
    ServiceUnavailableError,
    ThrottledError,
    UncertainError,
)
from pipeline.models import Recipe
from pipeline.speech.fal.faults import SUBMIT_EXCEPTIONS

AUDIO = "https://bucket.s3.test/a.mp3?X-Amz-Signature=canarysignature&X-Amz-Credential=canarycredential"
CONNECT = {httpx.ConnectError, httpx.ConnectTimeout}


def subclasses(kind):
    """The class and all that inherit from it."""
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


HTTPX_EXCEPTIONS = sorted(
    (kind for root in (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) for kind in subclasses(root)),
    key=lambda kind: kind.__name__,
)


def instance(kind):
    """An exception of this class, whatever its constructor wants."""
    if kind is httpx.HTTPStatusError:
        return kind("boom", request=httpx.Request("GET", "https://x"), response=httpx.Response(500))
    if kind in (httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead, httpx.RequestNotRead):
        return kind()
    return kind("boom")


def test_an_accepted_submission_returns_the_urls_that_fal_gave(transcriber, fal, recipe, body_of):
    request = transcriber.submit(recipe, AUDIO)

    assert (request.request_id, request.status_url) == (fal.accepted["request_id"], fal.accepted["status_url"])
    sent = fal.requests[0]
    assert body_of(sent) == {"task": "transcribe", "audio_url": AUDIO}
    assert sent.url == "https://queue.fal.run/fal-ai/whisper"
    assert sent.headers["authorization"] == "Key canary-id:canary-secret"
    assert sent.headers["x-fal-request-timeout"] == "7200.0"
    assert sent.headers["x-app-fal-disable-fallback"] == "true"
    assert sent.headers["user-agent"] == "test/1"
    assert "x-fal-no-retry" not in sent.headers


def test_fals_own_retries_are_turned_off_when_configured(make, fal, recipe):
    make(no_server_retry=True).submit(recipe, AUDIO)

    assert fal.requests[0].headers["x-fal-no-retry"] == "1"


@pytest.mark.parametrize("kind", HTTPX_EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_every_httpx_exception_has_a_written_meaning_for_the_paid_post(kind):
    assert kind in SUBMIT_EXCEPTIONS


@pytest.mark.parametrize(
    "error",
    [*map(instance, HTTPX_EXCEPTIONS), OSError("tls alert"), RuntimeError("anything"), TimeoutError()],
    ids=lambda error: type(error).__name__,
)
def test_a_post_that_raised_is_sent_again_only_to_the_backup_and_only_when_nothing_was_sent(
    transcriber, fal, recipe, error
):
    fal.play("submit", error)

    with pytest.raises(SUBMIT_EXCEPTIONS.get(type(error), UncertainError)):
        transcriber.submit(recipe, AUDIO)

    hosts = [request.url.host for request in fal.requests]
    both = ["queue.fal.run", "queue.falrun.com"]
    assert hosts == (both if type(error) in CONNECT else both[:1])


def test_a_dead_queue_host_costs_nothing_when_the_backup_answers(transcriber, fal, recipe):
    fal.play("submit", httpx.ConnectError("no route"), fal.acts["submit"][0])

    assert transcriber.submit(recipe, AUDIO).request_id == fal.accepted["request_id"]


def test_a_lost_reply_from_the_backup_is_uncertain(transcriber, fal, recipe):
    fal.play("submit", httpx.ConnectTimeout("slow"), httpx.ReadTimeout("lost"))

    with pytest.raises(UncertainError):
        transcriber.submit(recipe, AUDIO)
    assert fal.count("POST") == 2


def test_without_a_backup_only_the_queue_host_is_tried(make, fal, recipe):
    fal.play("submit", httpx.ConnectError("no route"))

    with pytest.raises(ServiceUnavailableError):
        make(backup_url="").submit(recipe, AUDIO)
    assert fal.count("POST") == 1


def test_fals_backup_is_never_used_beside_a_queue_that_is_not_fals(make, fal, recipe):
    """A laptop run whose emulator is down must not send its work, and the key, to the paying service."""
    fal.play("submit", httpx.ConnectError("emulator is down"))

    with pytest.raises(ServiceUnavailableError):
        make(queue_url="http://127.0.0.1:9").submit(recipe, AUDIO)
    assert fal.urls("POST") == ["http://127.0.0.1:9/fal-ai/whisper"]


LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."
MODEL = {"detail": [{"loc": ["body", "x"], "msg": "no", "type": "greater_than", "input": AUDIO}]}
AUDIO_REFUSAL = {"detail": [{"loc": ["body"], "msg": "no", "type": "file_too_large"}]}
ANSWERS = [
    (401, {"detail": "invalid key credentials"}, AccountError, "key_rejected"),
    (402, None, AccountError, "payment_required"),
    (403, {"detail": LOCKED}, AccountError, "account_locked"),
    (403, {"detail": "no scope"}, AccountError, "forbidden"),
    (404, {"detail": "Application not found"}, ConfigurationError, "unknown_model"),
    (400, {"detail": "bad header", "error_type": "bad_request"}, BadInputError, "bad_request"),
    (422, MODEL, BadInputError, "greater_than"),
    (422, AUDIO_REFUSAL, AudioRejectedError, "file_too_large"),
    (413, "<html>too large</html>", BadInputError, "http_413"),
    (409, {"detail": "conflict"}, ServiceUnavailableError, "service_unavailable"),
    (429, {"detail": "slow down"}, ThrottledError, "throttled"),
    (408, "", UncertainError, "submit_reply_lost"),
    (499, "", UncertainError, "submit_reply_lost"),
    (301, "", ConfigurationError, "redirected"),
    (308, "", ConfigurationError, "redirected"),
    (303, "", UncertainError, "submit_reply_lost"),
    (500, {"detail": "x", "error_type": "internal_error"}, ServiceUnavailableError, "internal_error"),
    (503, {"detail": "x", "error_type": "runner_scheduling_failure"}, ServiceUnavailableError, None),
    (500, {"detail": "Internal Server Error"}, UncertainError, "submit_reply_lost"),
    (502, "<html>nginx</html>", UncertainError, "submit_reply_lost"),
    (504, None, UncertainError, "submit_reply_lost"),
    (200, "not json", UncertainError, "submit_reply_lost"),
    (200, {"request_id": "known, but without its URLs"}, UncertainError, "submit_reply_lost"),
    (204, None, UncertainError, "submit_reply_lost"),
]


@pytest.mark.parametrize(("status", "body", "kind", "reason"), ANSWERS)
def test_each_answer_to_the_paid_post_has_one_meaning_and_is_never_sent_again(
    transcriber, fal, recipe, reply, status, body, kind, reason
):
    fal.play("submit", reply(status, body))

    with pytest.raises(kind) as caught:
        transcriber.submit(recipe, AUDIO)

    assert type(caught.value) is kind
    assert caught.value.reason == (reason or body["error_type"])
    assert fal.count("POST") == 1
    assert len(caught.value.message) <= 300
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        ("never_heard_of", "1", ServiceUnavailableError),
        ("never_heard_of", "0", BadInputError),
        ("downstream_service_error", "", ServiceUnavailableError),
        ("downstream_service_error", "false", BadInputError),
        ("greater_than", "true", BadInputError),
    ],
)
def test_the_retry_header_of_a_refusal_decides_where_fal_says_so(transcriber, fal, recipe, reply, kind, value, error):
    """Either way nothing was accepted."""
    fal.play("submit", reply(400, {"detail": [{"msg": "no", "type": kind}]}, X_Fal_Needs_Retry=value))

    with pytest.raises(error) as caught:
        transcriber.submit(recipe, AUDIO)
    assert type(caught.value) is error


def test_an_unknown_model_is_named(transcriber, fal, reply):
    fal.play("submit", reply(404, {"detail": "not found"}))

    with pytest.raises(ConfigurationError, match="acme/typo"):
        transcriber.submit(Recipe(endpoint_id="acme/typo", arguments={}), AUDIO)


@pytest.mark.parametrize(("header", "delay_s"), [("7", 7.0), ("99999", 600.0), ("-3", 0.0), ("soon", None)])
def test_retry_after_is_honoured_within_reason(transcriber, fal, recipe, reply, header, delay_s):
    fal.play("submit", reply(429, {}, retry_after=header))

    with pytest.raises(ThrottledError) as caught:
        transcriber.submit(recipe, AUDIO)
    assert caught.value.delay_s == delay_s


@pytest.mark.parametrize(
    "endpoint_id", ["whisper", "", "/fal-ai/whisper", "fal-ai/../x", "fal-ai/whisper?x=1", "a/b#c", "fal-ai/whis per"]
)
def test_a_senseless_endpoint_id_is_refused_before_anything_is_sent(transcriber, fal, endpoint_id):
    with pytest.raises(ConfigurationError):
        transcriber.submit(Recipe(endpoint_id=endpoint_id, arguments={}), AUDIO)
    assert fal.requests == []


def test_arguments_that_json_cannot_express_are_refused_before_anything_is_sent(transcriber, fal):
    with pytest.raises(ConfigurationError):
        transcriber.submit(Recipe(endpoint_id="a/b", arguments={"x": float("nan")}), AUDIO)
    assert fal.requests == []


def test_errors_show_neither_the_presigned_url_nor_the_key(transcriber, fal, recipe, reply):
    fal.play(
        "submit", reply(422, {"detail": [{"msg": f"cannot open {AUDIO} Key canary-id:canary-secret", "type": "t"}]})
    )

    with pytest.raises(BadInputError) as caught:
        transcriber.submit(recipe, AUDIO)
    assert "cannot open https://bucket.s3.test/a.mp3" in caught.value.message
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"detail": "no"}, {"x_fal_error_type": f"{AUDIO} canary-secret"}),
        ({"detail": "no", "error_type": f"{AUDIO} canary-secret"}, {}),
        ({"detail": [{"msg": "no", "type": f"{AUDIO} canary-secret"}]}, {}),
    ],
    ids=["in a header", "in the body", "in a detail"],
)
def test_a_type_of_error_that_is_no_word_brings_no_secret_into_the_reason(
    transcriber, fal, recipe, reply, body, headers
):
    fal.play("submit", reply(422, body, **headers))

    with pytest.raises(BadInputError) as caught:
        transcriber.submit(recipe, AUDIO)
    assert "REDACTED" in caught.value.reason
    assert "canary" not in caught.value.reason + caught.value.message


def test_a_submission_that_finds_no_connection_in_time_has_sent_nothing(make, fal, recipe):
    """Its time in line is bounded, for its intent is in S3 already and another worker counts the seconds."""
    transcriber = make(max_connections=1, submit_timeout_s=0.2)
    transcriber._client._submits.gate._value = 0  # white box: the one connection is taken, and stays so

    with pytest.raises(ServiceUnavailableError, match="nothing was sent"):
        transcriber.submit(recipe, AUDIO)

    assert fal.count("POST") == 0


def test_a_submission_takes_no_longer_than_its_timeout_even_when_the_answer_drips(make, fal, recipe):
    """Another worker calls the reply lost after that time."""

    async def never(_request):
        await asyncio.Event().wait()

    fal.play("submit", never)

    with pytest.raises(UncertainError):
        make(submit_timeout_s=0.2).submit(recipe, AUDIO)

    assert fal.count("POST") == 1
