"""The queue API as a client sees it; docs/fal.md sections 1 to 4."""

import json
import uuid

import pytest

pytestmark = pytest.mark.integration


def test_a_submit_is_answered_with_the_place_in_the_queue_and_the_urls_of_the_request(fal, tone):
    answer = fal.http.post("/fal-ai/whisper", json={"audio_url": tone})

    status = answer.json()
    base = f"{fal.url}/fal-ai/whisper/requests/{status['request_id']}"
    assert answer.status_code == 200
    assert uuid.UUID(status["request_id"]).version == 4
    assert answer.headers["x-fal-request-id"] == status["request_id"]
    assert status == {
        "status": "IN_QUEUE",
        "request_id": status["request_id"],
        "response_url": base,
        "status_url": f"{base}/status",
        "cancel_url": f"{base}/cancel",
        "queue_position": 0,
    }


def test_a_request_goes_from_queue_over_progress_to_completed(fal, audio):
    requests = [fal.submit(f"{audio.url}/held/tone.wav") for _ in range(4)]
    audio.wait_for(2)  # The limit is 2: the others wait.

    first, last = (fal.http.get(requests[number]["status_url"]) for number in (0, 3))
    assert (first.status_code, first.json()["status"], first.json()["logs"]) == (202, "IN_PROGRESS", None)
    assert (last.status_code, last.json()["status"], last.json()["queue_position"]) == (202, "IN_QUEUE", 1)

    audio.release()
    fal.wait(requests[3])
    done = fal.http.get(requests[3]["status_url"])
    assert (done.status_code, done.json()["status"], done.json()["logs"]) == (200, "COMPLETED", None)
    assert done.json()["metrics"]["inference_time"] > 0
    assert "error" not in done.json()


@pytest.mark.parametrize(("logs", "expected"), [("1", list), ("true", list), ("0", type(None)), ("false", type(None))])
def test_logs_are_a_list_when_asked_for_and_null_otherwise(fal, tone, logs, expected):
    request = fal.submit(tone)
    fal.wait(request)

    lines = fal.http.get(request["status_url"], params={"logs": logs}).json()["logs"]

    assert isinstance(lines, expected)
    if lines:
        assert lines[0]["message"] == "nightscribe emulator: not fal.ai, nothing is billed"
        assert set(lines[0]) == {"message", "level", "source", "timestamp"}


def test_a_status_stream_tells_every_change_and_each_log_line_once_and_ends(fal, audio):
    request = fal.submit(f"{audio.url}/held/tone.wav")
    audio.wait_for(1)
    with fal.http.stream("GET", f"{request['status_url']}/stream", params={"logs": "1"}) as answer:
        lines = (line for line in answer.iter_lines() if line)
        first = json.loads(next(lines).removeprefix("data: "))
        audio.release()
        last = [json.loads(line.removeprefix("data: ")) for line in lines]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (first["status"], len(first["logs"])) == ("IN_PROGRESS", 1)
    assert [(event["status"], event["logs"]) for event in last] == [("COMPLETED", [])]


@pytest.mark.parametrize("ending", ["", "/", "/response", "/response/"])
def test_the_result_is_the_bare_output_at_each_form_of_its_url(fal, tone, ending):
    request = fal.submit(tone)
    fal.wait(request)

    answer = fal.http.get(request["response_url"] + ending)

    assert answer.status_code == 200
    assert answer.json()["text"].startswith(" ")
    assert answer.headers["x-fal-request-id"] == request["request_id"]
    assert answer.headers["x-fal-billable-units"] == "2"


def test_a_result_that_is_not_ready_is_refused(fal, audio):
    request = fal.submit(f"{audio.url}/held/tone.wav")
    audio.wait_for(1)

    answer = fal.http.get(request["response_url"])

    assert (answer.status_code, answer.json()) == (400, {"detail": "Request is still in progress"})


def test_other_owners_may_have_any_endpoint_but_a_misspelt_one_of_fal_is_not_found(start_fal, tone):
    fal = start_fal("--engine", "scripted", "--any-endpoint", "--no-download")

    codes = [
        fal.http.post(f"/{name}", json={"audio_url": tone}).status_code for name in ("acme/ears", "fal-ai/whisprr")
    ]

    assert codes == [200, 404]


def test_urls_name_the_app_alone_and_the_full_id_is_understood_too(start_fal, tone):
    fal = start_fal("--engine", "scripted", "--no-download")
    request = fal.submit(tone, endpoint="fal-ai/elevenlabs/speech-to-text/scribe-v2")
    rid = request["request_id"]
    fal.wait(request)

    codes = [
        fal.http.get(f"/{prefix}/requests/{rid}/status{slash}").status_code
        for prefix in ("fal-ai/elevenlabs", "fal-ai/elevenlabs/speech-to-text/scribe-v2", "fal-ai/whisper")
        for slash in ("", "/")
    ]

    assert request["status_url"] == f"{fal.url}/fal-ai/elevenlabs/requests/{rid}/status"
    assert codes == [200, 200, 200, 200, 404, 404]


def test_cancelling_says_what_became_of_it(fal, audio):
    running, other, waiting = [fal.submit(f"{audio.url}/held/tone.wav") for _ in range(3)]
    audio.wait_for(2)

    removed = fal.http.put(waiting["cancel_url"])
    asked = fal.http.put(running["cancel_url"])
    audio.release()
    fal.wait(running)
    late = fal.http.put(running["cancel_url"])
    unknown = fal.http.put(f"/fal-ai/whisper/requests/{uuid.uuid4()}/cancel")

    answers = [(answer.status_code, answer.json()["status"]) for answer in (removed, asked, late, unknown)]
    assert answers == [
        (200, "OK"),
        (202, "CANCELLATION_REQUESTED"),
        (400, "ALREADY_COMPLETED"),
        (404, "NOT_FOUND"),
    ]
    status = fal.http.get(waiting["status_url"]).json()
    assert (status["status"], status["error_type"]) == ("COMPLETED", "client_cancelled")
    assert fal.http.get(waiting["response_url"]).status_code == 499
    fal.wait(other)
    billed = {bill["request_id"] for bill in fal.ledger()["bills"]}
    assert billed == {running["request_id"], other["request_id"]}


@pytest.mark.parametrize("authorization", [None, "Key wrong:key", "Bearer 11111111-aaaa:canary-secret-one", "Key"])
def test_without_a_good_key_nothing_is_done(fal, tone, authorization):
    headers = {"authorization": authorization or ""}

    answer = fal.http.post("/fal-ai/whisper", json={"audio_url": tone}, headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"detail": "invalid key credentials"})
    assert fal.ledger()["accepted"] == []


def test_a_key_is_good_when_an_unknown_request_is_not_found(fal):
    answer = fal.http.get(f"/fal-ai/whisper/requests/{uuid.uuid4()}/status")

    assert (answer.status_code, answer.json()) == (404, {"status": "NOT_FOUND"})


def test_a_request_of_another_key_is_not_found(fal, tone, other_key):
    request = fal.submit(tone)

    answers = [
        fal.http.get(request["status_url"], headers=other_key),
        fal.http.get(request["response_url"], headers=other_key),
        fal.http.put(request["cancel_url"], headers=other_key),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


def test_an_unknown_app_is_not_found_and_never_accepted(fal, tone):
    answer = fal.http.post("/fal-ai/whisper-turbo", json={"audio_url": tone})

    assert (answer.status_code, answer.json()) == (404, {"detail": "Application 'fal-ai/whisper-turbo' not found"})
    assert fal.ledger()["accepted"] == []


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b"{not json"),
        ({"x-fal-request-timeout": "soon"}, b"{}"),
        ({"x-fal-request-timeout": "0.1"}, b"{}"),
        ({"x-fal-request-start-timeout": "nan"}, b"{}"),
    ],
)
def test_a_submit_that_cannot_be_read_is_a_bad_request(fal, headers, body):
    answer = fal.http.post("/fal-ai/whisper", content=body, headers=headers)

    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")
    assert answer.headers["x-fal-error-type"] == "bad_request"


def test_a_wrong_method_is_refused_without_a_redirect(fal):
    assert fal.http.get("/fal-ai/whisper").status_code == 405
    assert fal.http.post(f"/fal-ai/whisper/requests/{uuid.uuid4()}/status").status_code == 405


@pytest.mark.parametrize("name", ["x-fal-request-timeout", "x-fal-request-start-timeout"])
def test_a_request_that_does_not_start_in_time_fails_unbilled(fal, audio, name):
    running = [fal.submit(f"{audio.url}/held/tone.wav") for _ in range(2)]
    audio.wait_for(2)
    late = fal.submit(f"{audio.url}/tone.wav", headers={name: "0.2"})

    answer = fal.result(late)

    assert (answer.status_code, answer.json()["error_type"]) == (504, "request_timeout")
    assert answer.headers["x-fal-request-timeout-type"] == "user"
    assert fal.wait(late)[-1]["error_type"] == "request_timeout"
    audio.release()
    for request in running:  # The deadline is for starting only: these have started, and go on.
        assert fal.result(request).status_code == 200
    assert len(fal.ledger()["bills"]) == 2


def test_a_submit_is_refused_when_more_wait_than_the_caller_allows(fal, audio):
    for _ in range(4):
        fal.submit(f"{audio.url}/held/tone.wav")
    audio.wait_for(2)

    codes = [
        fal.http.post(f"/fal-ai/whisper?fal_max_queue_length={limit}", json={"audio_url": "x"}).status_code
        for limit in (1, 2)
    ]

    assert codes == [429, 200]


def test_every_answer_says_that_it_is_an_emulator(fal, tone):
    request = fal.submit(tone)

    answers = [
        fal.http.get(request["status_url"]),
        fal.http.get("/nothing/here"),
        fal.http.get("/emulator/ledger"),
        fal.http.post("/fal-ai/whisper", headers={"authorization": "Key no"}),
    ]

    assert {answer.headers["x-emulator"] for answer in answers} == {"nightscribe"}
