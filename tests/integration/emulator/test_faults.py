"""Every fault of the script, seen through plain httpx."""

import httpx
import pytest

pytestmark = pytest.mark.integration


def post(fal, url):
    return fal.http.post("/fal-ai/whisper", json={"audio_url": url})


def test_a_lost_reply_to_a_submit_leaves_a_request_that_runs_and_is_billed(fal, tone):
    fal.faults({"on": "submit", "times": 1, "do": "lose_reply"})

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        post(fal, tone)

    history = fal.http.get(
        "/v1/models/requests/by-endpoint", params={"endpoint_id": "fal-ai/whisper", "expand": "payloads"}
    )
    (orphan,) = history.json()["items"]
    assert orphan["json_input"] == {"audio_url": tone}
    fal.wait({"status_url": f"{fal.url}/fal-ai/whisper/requests/{orphan['request_id']}/status"})
    assert [bill["request_id"] for bill in fal.ledger()["bills"]] == [orphan["request_id"]]


def test_a_dropped_submit_leaves_nothing(fal, tone):
    fal.faults({"on": "submit", "times": 1, "do": "drop"})

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        post(fal, tone)

    assert fal.ledger()["accepted"] == []
    assert fal.ledger()["submits_received"] == 1
    assert post(fal, tone).status_code == 200


@pytest.mark.parametrize("stage", ["status", "result", "cancel"])
def test_a_reply_can_be_lost_at_every_later_step(fal, tone, stage):
    request = fal.submit(tone)
    fal.wait(request)
    fal.faults({"on": stage, "times": 1, "do": "lose_reply"})
    method, url = {
        "status": ("GET", request["status_url"]),
        "result": ("GET", request["response_url"]),
        "cancel": ("PUT", request["cancel_url"]),
    }[stage]

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        fal.http.request(method, url)

    assert fal.http.request(method, url).status_code in {200, 400}


def test_an_answer_of_the_script_replaces_the_act(fal, tone):
    fal.faults(
        {
            "on": "submit",
            "times": 1,
            "do": {"status": 429, "headers": {"retry-after": "7"}, "body": {"detail": "slow down"}},
        }
    )

    answer = post(fal, tone)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.json() == {"detail": "slow down"}
    assert fal.ledger()["accepted"] == []


def test_an_ingress_error_is_html_without_a_request_id(fal, tone):
    request = fal.submit(tone)
    fal.faults({"on": "status", "do": {"status": 502, "body": "<html>502 Bad Gateway nginx</html>"}})

    answer = fal.http.get(request["status_url"])

    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert "x-fal-request-id" not in answer.headers


def test_a_slow_answer_comes_after_the_act(fal, tone):
    fal.faults({"on": "submit", "do": {"delay_s": 30}})

    with pytest.raises(httpx.ReadTimeout):
        fal.http.post("/fal-ai/whisper", json={"audio_url": tone}, timeout=0.5)

    assert fal.ledger()["counts"]["accepted"] == 1


def test_a_held_submit_is_accepted_after_the_caller_has_gone(fal, tone):
    fal.faults({"on": "submit", "do": {"hold_s": 0.6}})

    with pytest.raises(httpx.ReadTimeout):
        fal.http.post("/fal-ai/whisper", json={"audio_url": tone}, timeout=0.2)
    before = fal.ledger()["counts"]["accepted"]
    post(fal, tone)  # Held as long, so the first has been let through when this is answered.

    assert (before, fal.ledger()["counts"]["accepted"]) == (0, 2)


def test_a_body_can_break_off(fal, tone):
    request = fal.submit(tone)
    fal.wait(request)
    fal.faults({"on": "result", "times": 1, "do": "truncate_body"})

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        fal.http.get(request["response_url"])

    assert fal.http.get(request["response_url"]).json()["text"]


def test_a_body_can_be_cut_json(fal, tone):
    request = fal.submit(tone)
    fal.wait(request)
    fal.faults({"on": "result", "do": "cut_json"})

    answer = fal.http.get(request["response_url"])

    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()


def test_garbled_time_stamps_are_of_every_documented_kind(fal, tone):
    fal.faults({"on": "process", "do": "garble"})

    output = fal.transcribe(tone).json()

    stamps = [chunk["timestamp"] for chunk in output["chunks"]]
    assert stamps[0] is None
    assert stamps[1][0] > stamps[1][1]
    assert stamps[2][1] is None
    assert stamps[3][0] == stamps[3][1]
    assert output["inferred_languages"] == []


def test_a_failed_request_is_completed_and_its_error_is_replayed(fal, tone):
    failure = {
        "status": 503,
        "error_type": "runner_disconnected",
        "detail": "gone",
        "headers": {"x-fal-retryable": "1"},
    }
    fal.faults({"on": "process", "times": 1, "do": {"fail": failure}})
    request = fal.submit(tone)

    answer = fal.result(request)

    assert (answer.status_code, answer.json()) == (503, {"detail": "gone", "error_type": "runner_disconnected"})
    assert answer.headers["x-fal-error-type"] == "runner_disconnected"
    assert answer.headers["x-fal-retryable"] == "1"
    status = fal.http.get(request["status_url"])
    assert (status.status_code, status.json()["status"]) == (200, "COMPLETED")
    assert (status.json()["error"], status.json()["error_type"]) == ("gone", "runner_disconnected")
    assert fal.ledger()["bills"] == []


def test_a_model_error_of_the_script_is_a_detail_list(fal, tone):
    error = {
        "loc": ["body", "audio_url"],
        "msg": "too long",
        "type": "audio_duration_too_long",
        "ctx": {"max_duration": 9},
    }
    fal.faults({"on": "process", "do": {"fail": {"status": 422, "detail": [error]}}})

    answer = fal.transcribe(tone)

    assert (answer.status_code, answer.json()["detail"][0]["ctx"]) == (422, {"max_duration": 9})
    assert answer.json()["detail"][0]["url"] == "https://docs.fal.ai/errors/#audio_duration_too_long"


def test_a_request_can_fall_back_into_the_queue_and_is_billed_once(fal, audio):
    fal.faults({"on": "process", "times": 1, "do": {"regress_s": 0.3}})

    events = fal.wait(fal.submit(f"{audio.url}/tone.wav"))

    states = [event["status"] for event in events]
    assert states[-1] == "COMPLETED"
    assert "IN_QUEUE" in states[states.index("IN_PROGRESS") :]
    assert len(fal.ledger()["bills"]) == 1


def test_a_download_can_fail_although_the_file_is_there(fal, tone):
    fal.faults({"on": "download", "times": 1, "do": "drop"})

    assert fal.transcribe(tone).json()["detail"][0]["type"] == "file_download_error"
    assert fal.transcribe(tone).status_code == 200


def test_a_rule_fires_only_for_what_it_matches(fal, audio):
    fal.faults({"on": "submit", "match": {"path_contains": "a b", "endpoint": "fal-ai/whisper"}, "do": {"status": 500}})

    codes = [post(fal, f"{audio.url}/{name}").status_code for name in ("a%20b.wav", "tone.wav")]

    assert codes == [500, 200]
    (row,) = fal.http.get("/emulator/faults").json()
    assert (row["matched"], row["fired"]) == (1, 1)


@pytest.mark.parametrize(
    "rules",
    [
        {"on": "submit"},
        [{"on": "submit", "do": "garble"}],
        [{"on": "process", "do": {"status": 429}}],
        [{"on": "status", "do": {}}],
        [{"on": "status", "do": "explode"}],
        [{"on": "history", "match": {"path_contains": "a"}, "do": "drop"}],
    ],
)
def test_a_rule_that_could_do_nothing_is_refused(fal, rules):
    answer = fal.http.post("/emulator/faults", json=rules)

    assert answer.status_code == 422
    assert fal.http.get("/emulator/faults").json() == []
