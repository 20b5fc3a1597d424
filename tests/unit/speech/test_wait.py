"""Waiting for a completed request: nothing but the account, a forgotten request or the deadline ends it."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise

import httpx
import pytest

from pipeline.cancellation import CancellationToken, Cancelled
from pipeline.errors import AccountError, ResultExpiredError, ServiceUnavailableError
from pipeline.speech.fal.polling import PollSchedule
from pipeline.speech.fal.waiting import wait_until_completed
from pipeline.speech.fal.wire import StatusAnswer

DONE = {"status": "COMPLETED", "logs": None}
STRAY = [
    httpx.Response(500, json={"detail": "x", "error_type": "internal_error"}),
    httpx.Response(502, text="<html>nginx</html>"),
    httpx.Response(429, headers={"retry-after": "0"}),
    httpx.Response(200, text="{"),
    httpx.Response(200, json=["no", "object"]),
    httpx.Response(400, json={"detail": "?"}),
    httpx.Response(302, headers={"location": "https://elsewhere.test"}),
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("reset"),
    httpx.PoolTimeout("full"),
    httpx.DecodingError("bad gzip"),
    OSError("tls alert"),
]


def wait(transcriber, paid, cancel=None):
    transcriber.wait(paid, audio_s=60.0, cancel=cancel or CancellationToken())


@pytest.mark.parametrize("stray", STRAY, ids=lambda act: str(getattr(act, "status_code", type(act).__name__)))
def test_a_stray_answer_does_not_end_the_wait(transcriber, fal, paid, reply, stray):
    fal.play("status", reply(202, {"status": "IN_QUEUE"}), stray, reply(200, DONE))

    wait(transcriber, paid)

    assert fal.count("GET") == 3
    assert fal.count("POST") == 0


def test_going_back_to_the_queue_and_unknown_states_are_waited_through(transcriber, fal, paid, reply):
    states = ["IN_QUEUE", "IN_PROGRESS", "IN_QUEUE", "SOMETHING_NEW", "COMPLETED"]
    fal.play("status", *(reply(202, {"status": state}) for state in states))

    wait(transcriber, paid)

    assert fal.count("GET") == len(states)


def test_an_unreachable_host_is_looked_for_on_the_backup(transcriber, fal, paid, reply):
    fal.play("status", httpx.ConnectError("down"), reply(200, DONE))

    wait(transcriber, paid)

    assert [request.url.host for request in fal.requests] == ["queue.fal.run", "queue.falrun.com"]
    assert fal.requests[0].url.path == fal.requests[1].url.path


@pytest.mark.parametrize(
    ("status", "reason"), [(401, "key_rejected"), (402, "payment_required"), (403, "account_locked")]
)
def test_an_account_error_ends_the_wait_at_once(transcriber, fal, paid, reply, status, reason):
    fal.play("status", reply(status, {"detail": "User is locked."}))

    with pytest.raises(AccountError) as caught:
        wait(transcriber, paid)
    assert caught.value.reason == reason
    assert fal.count("GET") == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_request_that_fal_does_not_know_ends_the_wait_and_the_fetch_decides(
    transcriber, fal, paid, recipe, reply, status
):
    for route in ("status", "result"):
        fal.play(route, reply(status, {"status": "NOT_FOUND"}))

    wait(transcriber, paid)

    assert len(fal.requests) == len(fal.asked("status")) == 3
    with pytest.raises(ResultExpiredError):
        transcriber.fetch(paid, recipe)


@pytest.mark.parametrize(
    ("act", "is_over"),
    [
        (httpx.Response(200, json=DONE), True),
        (httpx.Response(404, json={"status": "NOT_FOUND"}), True),
        (httpx.Response(202, json={"status": "IN_PROGRESS"}), False),
        (httpx.Response(502, text="nginx"), False),
        (httpx.Response(403, json={"detail": "User is locked."}), False),
        (httpx.ReadTimeout("slow"), False),
    ],
    ids=["completed", "forgotten", "running", "gateway", "account", "no answer"],
)
def test_one_look_tells_whether_a_request_is_over(transcriber, fal, paid, act, is_over):
    fal.play("status", act)

    assert transcriber.is_over(paid) is is_over
    assert len(fal.requests) == 1


def test_a_single_not_found_is_not_believed(transcriber, fal, paid, reply):
    fal.play("status", reply(404), reply(200, DONE))

    wait(transcriber, paid)


def test_a_result_that_outlives_its_status_is_not_given_up(transcriber, fal, paid, recipe, reply):
    fal.play("status", reply(404, {"status": "NOT_FOUND"}))

    wait(transcriber, paid)

    assert transcriber.fetch(paid, recipe).transcript.text == "Hello."


def test_the_deadline_gives_the_wait_back_and_the_same_call_may_be_made_again(make, fal, paid, reply):
    transcriber = make(wait_timeout_s=0.05)
    fal.play("status", reply(500))

    with pytest.raises(ServiceUnavailableError) as caught:
        wait(transcriber, paid)
    assert caught.value.reason == "wait_timeout"

    fal.play("status", reply(200, DONE))
    wait(transcriber, paid)


def test_cancellation_ends_a_wait_at_once(make, fal, paid):
    """The look hangs for ever; only the token can end it."""
    looking = threading.Event()

    async def hang(_):
        looking.set()
        await asyncio.Event().wait()

    fal.play("status", hang)
    transcriber, token, outcome = make(), CancellationToken(), []

    def slot():
        try:
            wait(transcriber, paid, token)
        except Cancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=slot)
    thread.start()
    assert looking.wait(10)
    token.cancel()
    thread.join(10)

    assert len(outcome) == 1
    assert token._callbacks == {}


def test_a_token_that_is_already_set_looks_at_nothing(transcriber, fal, paid):
    token = CancellationToken()
    token.cancel()

    with pytest.raises(Cancelled):
        wait(transcriber, paid, token)
    assert fal.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/x/requests/1/status",
        "http://queue.fal.run/x/requests/1/status",
        "https://queue.fal.run@evil.test/status",
        "https://user:pw@queue.fal.run/status",
        "https://queue.fal.run.evil.test/status",
        "https://evilfal.run/status",
        "https://queue.fal.run:8443/status",
        "https://queue.fal.run\\@evil.test/",
        "https://[",
        "/relative",
        "",
    ],
)
@pytest.mark.parametrize("act", ["wait", "fetch", "cancel"])
def test_the_key_is_not_sent_to_a_foreign_host(transcriber, fal, paid, recipe, url, act):
    foreign = paid.model_copy(update={"status_url": url, "response_url": url, "cancel_url": url})
    acts = {
        "wait": lambda: wait(transcriber, foreign),
        "fetch": lambda: transcriber.fetch(foreign, recipe),
        "cancel": lambda: transcriber.cancel(foreign),
    }

    with pytest.raises(ServiceUnavailableError) as caught:
        acts[act]()
    assert caught.value.reason == "unexpected_host"
    assert fal.requests == []


@pytest.mark.parametrize("host", ["queue.fal.run", "queue.falrun.com", "rest.fal.ai", "fal.run"])
def test_fals_own_hosts_are_followed(transcriber, fal, paid, host):
    url = paid.status_url.replace("queue.fal.run", host)

    wait(transcriber, paid.model_copy(update={"status_url": url}))

    assert fal.requests[0].url.host == host


def test_an_emulator_has_no_sister_hosts(make, fal, paid):
    """A key meant for the emulator does not go to fal, and the other way round."""
    with pytest.raises(ServiceUnavailableError):
        wait(make(queue_url="http://127.0.0.1:9", backup_url=""), paid)
    assert fal.requests == []


def test_a_redirect_is_never_followed(transcriber, fal, paid, reply):
    fal.play("status", reply(307, None, location="https://evil.test/"), reply(200, DONE))

    wait(transcriber, paid)

    assert {request.url.host for request in fal.requests} == {"queue.fal.run"}


def virtual_wait(answers, polling, *, waited_s=0.0, timeout_s=3600.0):
    """Runs a wait in virtual time; returns the times of the looks, in seconds after the submission."""
    now, looks = [0.0], []

    async def sleep(seconds):
        now[0] += seconds

    async def look():
        looks.append(waited_s + now[0])
        act = answers(looks[-1])
        if isinstance(act, Exception):
            raise act
        return StatusAnswer(status=act)

    schedule = PollSchedule(polling, None, draw=lambda: 0.5)
    arguments = {"request_id": "r", "waited_s": waited_s, "timeout_s": timeout_s}
    try:
        asyncio.run(wait_until_completed(look, schedule, sleep=sleep, clock=lambda: now[0], **arguments))
    except ServiceUnavailableError:
        looks.append("gave up")
    return looks


@pytest.fixture
def usual(polling):
    return polling.model_copy(update={"min_s": 0.5, "max_s": 10.0})


def test_looks_come_ever_further_apart_and_never_further_than_the_maximum(usual):
    looks = virtual_wait(lambda age: "COMPLETED" if age > 600 else "IN_PROGRESS", usual)

    gaps = [later - earlier for earlier, later in pairwise(looks)]
    assert gaps == sorted(gaps)
    assert max(gaps) <= 10.0 + 1e-9


def test_an_outage_is_waited_out_with_few_looks(usual):
    looks = virtual_wait(lambda age: "COMPLETED" if age > 600 else ServiceUnavailableError("down"), usual)

    assert len(looks) < 75
    assert looks[-1] < 611


def test_the_deadline_counts_from_the_submission_and_the_last_look_is_on_it(usual):
    looks = virtual_wait(lambda _: "IN_QUEUE", usual, timeout_s=100.0)

    assert looks[-1] == "gave up"
    assert looks[-2] == pytest.approx(100.0)


def test_a_resumed_request_is_looked_at_at_once_and_for_a_while_even_past_its_deadline(usual):
    looks = virtual_wait(lambda _: ServiceUnavailableError("down"), usual, waited_s=5000.0, timeout_s=3600.0)

    assert looks[0] == 5000.0
    assert looks[-2] == pytest.approx(5060.0)


def test_retry_after_stretches_the_pause_between_looks(usual):
    looks = virtual_wait(lambda age: "COMPLETED" if age > 60 else ServiceUnavailableError("down", None, 40.0), usual)

    assert len(looks) == 3
