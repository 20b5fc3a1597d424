"""fal's own clients call every emulated model: through the queue, directly, and as a stream."""

import pytest

from emulator.fal.models import ENDPOINTS

pytestmark = pytest.mark.integration

STREAMING = [name for name, model in ENDPOINTS.items() if model.streams]


def test_every_model_answers_through_the_queue_and_directly_alike(client, fal, tone):
    arguments = {"audio_url": tone}

    done = client.do_well(
        fal,
        *({"do": act, "endpoint": name, "arguments": arguments} for name in ENDPOINTS for act in ("subscribe", "run")),
    )

    outputs = [brought["output"] for brought in done]
    assert outputs[::2] == outputs[1::2] == [fal.transcribe(tone, name).json() for name in ENDPOINTS]
    assert len(fal.ledger()["bills"]) == 3 * len(ENDPOINTS)


def test_a_stream_ends_with_the_whole_answer(client, fal, tone):
    done = client.do_well(
        fal, *({"do": "stream", "endpoint": name, "arguments": {"audio_url": tone}} for name in STREAMING)
    )

    assert [brought["events"][-1] for brought in done] == [fal.transcribe(tone, name).json() for name in STREAMING]
    assert done[0]["events"][0]["partial"] is True


def test_a_direct_call_of_a_busy_account_is_refused(client, fal, audio):
    held = {"do": "submit", "endpoint": "fal-ai/whisper", "arguments": {"audio_url": f"{audio.url}/held/tone.wav"}}
    client.do_well(fal, held, held)
    audio.wait_for(2)

    answer = fal.http.post(
        "/",
        json={"audio_url": audio.url},
        headers={"x-fal-target-url": "https://fal.run/fal-ai/whisper"},
    )

    assert (answer.status_code, answer.headers["x-fal-needs-retry"]) == (429, "1")


def test_a_failed_direct_call_brings_the_models_error(client, fal, audio):
    (done,) = client.do(fal, {"do": "run", "endpoint": "fal-ai/whisper", "arguments": {"audio_url": f"{audio.url}/no"}})

    assert (done["failed"]["status"], done["failed"]["body"]["detail"][0]["type"]) == (422, "file_download_error")
    assert fal.ledger()["bills"] == []
