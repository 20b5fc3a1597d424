"""The ledger, the request history and the retention of results; docs/fal.md sections 7, 11 and 12."""

import datetime as dt
import json
import time

import pytest
from archives import eventually

pytestmark = pytest.mark.integration

HISTORY = "/v1/models/requests/by-endpoint"


def history(fal, **query):
    answer = fal.http.get(HISTORY, params={"endpoint_id": "fal-ai/whisper", **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_success_is_one_bill_that_names_the_audio_without_its_signature(fal, audio):
    answer = fal.transcribe(f"{audio.url}/bucket/a%20b.wav?signature=canary")

    (bill,) = fal.ledger()["bills"]
    assert bill["request_id"] == answer.headers["x-fal-request-id"]
    assert bill["audio_path"] == "/bucket/a b.wav"
    assert bill["audio_url"] == f"{audio.url}/bucket/a%20b.wav"
    assert (bill["endpoint_id"], bill["billable_units"]) == ("fal-ai/whisper", 2.0)
    assert "canary" not in json.dumps(fal.ledger())


def test_the_concurrency_limit_is_kept_and_the_high_water_marks_tell(fal, audio):
    requests = [fal.submit(f"{audio.url}/held/tone.wav") for _ in range(5)]
    audio.wait_for(2)
    held = fal.ledger()
    audio.release()
    for request in requests:
        fal.wait(request)

    ledger = fal.ledger()
    assert (held["in_progress"], held["in_flight"]) == (2, 5)
    assert (ledger["in_progress"], ledger["in_flight"]) == (0, 0)
    assert (ledger["max_in_progress"], ledger["max_in_flight"]) == (2, 5)
    order = [bill["request_id"] for bill in ledger["bills"]]
    assert set(order[:2]) == {request["request_id"] for request in requests[:2]}


def test_each_key_has_a_limit_of_its_own(fal, audio, other_key):
    for headers in (None, other_key):
        for _ in range(3):
            fal.submit(f"{audio.url}/held/tone.wav", headers=headers)
    audio.wait_for(4)

    ledger = fal.ledger()

    assert (ledger["in_progress"], ledger["max_in_progress"], ledger["max_in_flight"]) == (4, 2, 3)


def test_calls_are_counted_by_route(fal, tone):
    request = fal.submit(tone)
    fal.wait(request)
    fal.http.get(request["status_url"])
    fal.http.get(request["response_url"])
    fal.http.get("/fal-ai/whisper/requests/unknown/status")

    ledger = fal.ledger()

    assert ledger["calls"] == {"submit": 1, "stream": 1, "status": 2, "result": 1}
    assert (ledger["submits_received"], ledger["polls"], ledger["results"]) == (1, 3, 1)
    assert fal.http.get("/emulator/ledger?rows=0").json()["accepted"] == []


def test_a_reset_forgets_also_what_is_in_progress(fal, audio):
    request = fal.submit(f"{audio.url}/held/tone.wav")
    audio.wait_for(1)

    fal.http.post("/emulator/reset")

    assert fal.ledger()["counts"] == {"accepted": 0, "bills": 0}
    assert fal.http.get(request["status_url"]).status_code == 404


def test_the_ledger_file_keeps_what_was_accepted_and_billed(start_fal, tmp_path, tone):
    fal = start_fal("--engine", "scripted", "--no-download", "--ledger-file", tmp_path / "ledger")
    fal.transcribe(tone)
    fal.process.kill()

    rows = [json.loads(line) for line in (tmp_path / "ledger").read_text().splitlines()]

    assert [row["event"] for row in rows] == ["accepted", "billed"]
    assert rows[0]["request_id"] == rows[1]["request_id"]
    assert "canary" not in json.dumps(rows)


def test_the_history_shows_what_was_sent_and_answered(fal, tone):
    output = fal.transcribe(tone).json()

    (row,) = history(fal, expand="payloads")["items"]

    assert (row["status_code"], row["endpoint_id"]) == (200, "fal-ai/whisper")
    assert (row["json_input"], row["json_output"]) == ({"audio_url": tone}, output)
    assert row["sent_at"] <= row["started_at"] <= row["ended_at"]
    assert "json_input" not in history(fal)["items"][0]


def test_the_history_is_paged_by_the_end_of_requests(fal, tone):
    sent = []
    for _ in range(5):
        sent.append(fal.submit(tone))
        fal.wait(sent[-1])

    pages, cursor = [], {}
    while cursor is not None:
        page = history(fal, limit=2, **cursor)
        pages.append([row["request_id"] for row in page["items"]])
        cursor = {"cursor": page["next_cursor"]} if page["has_more"] else None

    ids = [request["request_id"] for request in reversed(sent)]
    assert pages == [ids[:2], ids[2:4], ids[4:]]


def test_the_history_is_filtered(fal, audio, tone, other_key):
    good = fal.transcribe(tone).headers["x-fal-request-id"]
    bad = fal.transcribe(f"{audio.url}/junk.mp3").headers["x-fal-request-id"]
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()

    def ids(**query):
        return [row["request_id"] for row in history(fal, **query)["items"]]

    assert ids(status="success") == [good]
    assert ids(status="user_error") == [bad]
    assert ids(status="error") == []
    assert ids(request_id=good) == [good]
    assert ids(start=later) == []
    assert ids(endpoint_id="fal-ai/wizper") == []
    assert fal.http.get(HISTORY, params={"endpoint_id": "fal-ai/whisper"}, headers=other_key).json()["items"] == []


def test_a_request_that_stores_no_payloads_is_listed_without_them(fal, tone):
    fal.result(fal.submit(tone, headers={"x-fal-store-io": "0"}))

    (row,) = history(fal, expand="payloads")["items"]

    assert not {"json_input", "json_output"} & set(row)


def test_an_answer_of_more_than_a_megabyte_is_listed_without_it(start_fal, tone):
    fal = start_fal("--engine", "scripted", "--no-download", "--words", "150000")
    fal.transcribe(tone)

    (row,) = history(fal, expand="payloads")["items"]

    assert row["json_input"] == {"audio_url": tone}
    assert "json_output" not in row


def test_payloads_are_kept_for_thirty_days(start_fal, tone):
    """They pass in a quarter of a second here."""
    fal = start_fal("--engine", "scripted", "--no-download", "--time-factor", str(4 * 30 * 86_400))
    request = fal.submit(tone)

    eventually(lambda: "json_input" not in history(fal, expand="payloads")["items"][0], "the payloads are gone")

    (row,) = history(fal, expand="payloads")["items"]
    assert (row["request_id"], row["status_code"]) == (request["request_id"], 200)
    assert "json_output" not in row


def test_refusals_are_kept_with_what_is_called_after_the_first(fal, tone):
    fal.faults({"on": "submit", "skip": 1, "times": 2, "do": {"status": 403, "body": {"detail": "User is locked."}}})
    request = fal.submit(tone)
    for _ in range(3):
        fal.http.post("/fal-ai/whisper", json={"audio_url": tone})
    fal.http.get(request["status_url"], headers={"authorization": "Key wrong"})

    ledger = fal.ledger()
    fal.http.delete("/emulator/refusals")

    assert [(row["stage"], row["status_code"], row["audio_path"]) for row in ledger["refusals"]] == [
        ("submit", 403, "/bucket/tone.wav"),
        ("submit", 403, "/bucket/tone.wav"),
        ("status", 401, ""),
    ]
    assert ledger["calls_after_refusal"] == {"submit": 2, "status": 1}
    assert (fal.ledger()["refusals"], fal.ledger()["calls_after_refusal"]) == ([], {})
    assert fal.ledger()["calls"]["submit"] == 4


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"endpoint_id": "x", "limit": "101"},
        {"endpoint_id": "x", "start": "noon"},
        {"endpoint_id": "x", "cursor": "?"},
    ],
)
def test_a_wrong_question_to_the_history_is_an_error_of_the_platform(fal, query):
    answer = fal.http.get(HISTORY, params=query)

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_the_history_can_lag_behind(start_fal, tone):
    fal = start_fal("--engine", "scripted", "--no-download", "--history-lag-s", "60")
    fal.transcribe(tone)

    assert history(fal)["items"] == []


def test_the_history_can_hide_what_has_not_started(start_fal, audio):
    fal = start_fal("--engine", "scripted", "--history-hides-queued", "--concurrency", "1")
    running, _waiting = [fal.submit(f"{audio.url}/held/tone.wav") for _ in range(2)]
    audio.wait_for(1)

    assert [row["request_id"] for row in history(fal)["items"]] == [running["request_id"]]


def test_an_expired_result_is_not_found_and_was_billed_all_the_same(start_fal, tone):
    fal = start_fal("--engine", "scripted", "--no-download", "--time-factor", "7200")  # Half a second for an hour.
    request = fal.submit(tone)
    fal.wait(request)
    fetched = fal.http.get(request["response_url"])

    deadline = time.monotonic() + 20
    while fal.http.get(request["response_url"]).status_code == 200:
        assert time.monotonic() < deadline

    gone = fal.http.get(request["response_url"])
    assert fetched.status_code == 200
    assert (gone.status_code, gone.json()) == (404, {"status": "NOT_FOUND"})
    assert fal.http.get(request["status_url"]).status_code == 404
    assert fal.ledger()["counts"]["bills"] == 1


def test_the_engine_can_be_changed_while_it_runs(fal, audio):
    """`make crowd` turns a stack that listens into one for load."""
    wish = {"engine": "scripted", "service_s": 0.01}

    answer = fal.http.post("/emulator/engine", json=wish)
    refused = fal.http.post("/emulator/engine", json={"engine": "telepathy"})

    assert (answer.status_code, answer.json()) == (200, wish)
    assert refused.status_code == 422
    assert fal.transcribe(f"{audio.url}/bucket/a%20b.wav").status_code == 200
