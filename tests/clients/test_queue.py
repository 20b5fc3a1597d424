"""fal's own clients call the emulator's queue as they call fal's; what they cannot read is the emulator's fault."""

import pytest
from clients.driving import FalClient

pytestmark = pytest.mark.integration

SCRIBE = "fal-ai/elevenlabs/speech-to-text/scribe-v2"
WHISPER = "fal-ai/whisper"
LOG = ["nightscribe emulator: not fal.ai, nothing is billed"]


def test_subscribe_reports_every_state_and_brings_the_output(client, fal, tone):
    (done,) = client.do_well(fal, {"do": "subscribe", "endpoint": WHISPER, "arguments": {"audio_url": tone}})

    states = [update["status"] for update in done["updates"]]
    assert states[-1] == "COMPLETED"
    assert set(states) <= {"IN_QUEUE", "IN_PROGRESS", "COMPLETED"}
    assert done["updates"][-1]["logs"] == LOG
    assert [row["request_id"] for row in fal.ledger()["accepted"]] == [done["value"]]
    assert done["output"] == fal.transcribe(tone).json()


def test_the_javascript_client_subscribes_by_a_stream_of_states_too(fal, tone):
    act = {"do": "subscribe", "mode": "streaming", "endpoint": SCRIBE, "arguments": {"audio_url": tone}}

    (done,) = FalClient("javascript").do_well(fal, act)

    assert done["updates"][-1]["status"] == "COMPLETED"
    assert done["updates"][-1]["logs"] == LOG  # added up over the events, so no line may come twice
    assert done["id_of_result"] == done["value"]
    assert (fal.ledger()["calls"]["stream"], fal.ledger()["calls"].get("status", 0)) == (1, 0)


def test_a_request_is_followed_by_its_id_under_the_app_of_a_long_endpoint_id(client, fal, tone):
    made, seen, _ = client.do_well(
        fal,
        {"do": "submit", "endpoint": SCRIBE, "arguments": {"audio_url": tone}},
        {"do": "status", "endpoint": SCRIBE, "id": "@0"},
        {"do": "subscribe", "endpoint": WHISPER, "arguments": {"audio_url": tone}},  # by then the first one is done
    )
    ended, got = client.do_well(
        fal,
        {"do": "status", "endpoint": SCRIBE, "id": made["value"], "logs": True},
        {"do": "result", "endpoint": SCRIBE, "id": made["value"]},
    )

    assert seen["logs"] is None
    assert (ended["status"], ended["logs"], ended["error"]) == ("COMPLETED", LOG, None)
    assert got["output"]["words"][0]["type"] == "word"
    assert {path.split(" ")[1] for path in paths_of(fal, made["value"])} == {
        f"/fal-ai/elevenlabs/requests/{made['value']}/status",
        f"/fal-ai/elevenlabs/requests/{made['value']}",
    }


def test_a_request_is_cancelled_before_while_and_after_it_runs(client, fal, audio, tone):
    held = f"{audio.url}/held/tone.wav"
    submit = {"do": "submit", "endpoint": WHISPER, "arguments": {"audio_url": held}}
    running, _, waiting = client.do_well(fal, submit, submit, submit)
    audio.wait_for(2)

    about = {"endpoint": WHISPER, "id": waiting["value"]}
    queued, cancelled, ended, failed, asked = client.do(
        fal,
        {"do": "status", **about},
        {"do": "cancel", **about},
        {"do": "status", **about},
        {"do": "result", **about},
        {"do": "cancel", "endpoint": WHISPER, "id": running["value"]},
    )
    audio.release()
    got, too_late = client.do(
        fal,
        {"do": "subscribe", "endpoint": WHISPER, "arguments": {"audio_url": tone}},
        {"do": "cancel", "endpoint": WHISPER, "id": running["value"]},
    )

    assert (queued["status"], queued["position"]) == ("IN_QUEUE", 0)
    assert (cancelled, asked) == ({}, {})
    assert (ended["status"], ended["error_type"]) == ("COMPLETED", "client_cancelled")
    assert failed["failed"]["status"] == 499
    assert got["output"]["text"]
    assert too_late["failed"]["status"] == 400
    assert too_late["failed"]["body"] == {"status": "ALREADY_COMPLETED"}


def test_a_bad_argument_is_an_error_of_the_result(client, fal, tone):
    arguments = {"audio_url": tone, "language": "auto"}

    (done,) = client.do(fal, {"do": "subscribe", "endpoint": WHISPER, "arguments": arguments})

    (found,) = done["failed"]["body"]["detail"]
    assert (done["failed"]["status"], found["type"], found["loc"]) == (422, "enum", ["body", "language"])
    assert client.is_python or done["failed"]["kind"] == "ValidationError"


def test_a_lost_runner_is_an_error_with_its_type(client, fal, tone):
    fal.faults(
        {"on": "process", "do": {"fail": {"status": 500, "error_type": "runner_server_error", "detail": "gone"}}}
    )

    (done,) = client.do(fal, {"do": "subscribe", "endpoint": WHISPER, "arguments": {"audio_url": tone}})

    assert done["failed"]["body"] == {"detail": "gone", "error_type": "runner_server_error"}


def test_a_request_that_does_not_start_in_time_is_not_tried_again(client, fal, audio):
    held = {"do": "submit", "endpoint": WHISPER, "arguments": {"audio_url": f"{audio.url}/held/tone.wav"}}
    options = {"start_timeout": 1.1} if client.is_python else {"startTimeout": 1.1}

    *_, failed = client.do(fal, held, held, held | {"do": "subscribe", "options": options})

    assert failed["failed"]["status"] == 504
    assert failed["failed"]["body"]["error_type"] == "request_timeout"
    assert fal.ledger()["calls"]["result"] == 1


def test_a_wrong_key_is_refused(client, fal, tone):
    (done,) = client.do(
        fal, {"do": "submit", "endpoint": WHISPER, "arguments": {"audio_url": tone}}, key="wrong:canary-secret-key"
    )

    assert (done["failed"]["status"], done["failed"]["body"]) == (401, {"detail": "invalid key credentials"})


def paths_of(fal, request_id):
    """What the emulator's log says of a request: `METHOD PATH CODE`."""
    lines = [line.partition("emulator.fal.app ")[2] for line in fal.log_file.read_text().splitlines()]
    return [line for line in lines if request_id in line]
