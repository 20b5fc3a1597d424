"""What a runner makes of a request: arguments, download, output; docs/fal.md sections 5, 10 and 14."""

import base64

import pytest

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("endpoint", "argument", "kind"),
    [
        ("fal-ai/whisper", {"language": "auto"}, "enum"),
        ("fal-ai/wizper", {"language": "auto"}, "enum"),
        ("fal-ai/whisper", {"chunk_level": "sentence"}, "enum"),
        ("fal-ai/whisper", {"batch_size": 65}, "less_than_equal"),
        ("fal-ai/whisper", {"audio_url": None}, "string_type"),
        ("fal-ai/wizper", {"max_segment_len": 9}, "greater_than_equal"),
    ],
)
def test_a_wrong_argument_is_accepted_first_and_fails_in_processing_unbilled(fal, tone, endpoint, argument, kind):
    request = fal.submit(**{"audio_url": tone, "endpoint": endpoint} | argument)

    answer = fal.result(request)

    (error,) = answer.json()["detail"]
    assert (answer.status_code, error["loc"], error["type"]) == (422, ["body", *argument], kind)
    assert answer.headers["x-fal-billable-units"] == "0"
    assert fal.wait(request)[-1]["error"] == "Invalid status code: 422"
    assert fal.ledger()["counts"] == {"accepted": 1, "bills": 0}


def test_an_unknown_argument_is_ignored(fal, tone):
    assert fal.transcribe(tone, version="3").status_code == 200


def test_a_file_that_cannot_be_fetched_fails_and_the_error_echoes_the_whole_url(fal, audio):
    url = f"{audio.url}/missing.mp3?signature=canary"

    answer = fal.transcribe(url)

    (error,) = answer.json()["detail"]
    assert (answer.status_code, error["type"], error["input"]) == (422, "file_download_error", url)
    assert error["loc"] == ["body", "audio_url"]
    assert fal.ledger()["bills"] == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/closed", "no url", "http://[", "data:audio/wav;x=1;base64,AA=="])
def test_a_url_that_leads_nowhere_fails_alike(fal, url):
    assert fal.transcribe(url).json()["detail"][0]["type"] == "file_download_error"


def test_a_file_that_is_not_audio_is_refused_unbilled(fal, audio):
    answer = fal.transcribe(f"{audio.url}/junk.mp3")

    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "unsupported_audio_format")
    assert fal.ledger()["bills"] == []


def test_the_audio_is_fetched_while_processing_and_only_once(fal, audio, tone):
    fal.transcribe(tone)

    assert audio.arrived.get_nowait() == "/bucket/tone.wav"
    assert audio.arrived.empty()


def test_a_data_uri_is_audio_too(fal, tone):
    wav = fal.http.get(tone).content

    answer = fal.transcribe(f"data:audio/wav;base64,{base64.b64encode(wav).decode()}")

    assert (answer.status_code, answer.headers["x-fal-billable-units"]) == (200, "2")


def test_whisper_output_has_the_shape_of_its_schema(fal, tone):
    output = fal.transcribe(tone).json()

    assert list(output) == ["text", "chunks", "inferred_languages", "diarization_segments"]
    assert output["text"] == "".join(chunk["text"] for chunk in output["chunks"])
    assert (output["inferred_languages"], output["diarization_segments"]) == (["en"], [])
    assert output["chunks"][-1]["timestamp"][1] == 2.0  # The words fill the file, and no more.


def test_wizper_output_has_the_shape_of_its_schema(fal, tone):
    output = fal.transcribe(tone, "fal-ai/wizper").json()

    assert list(output) == ["text", "chunks", "languages"]
    assert output["languages"] == ["en"]


@pytest.mark.parametrize(("level", "count"), [("none", 1), ("segment", 4), ("word", 40)])
def test_the_chunk_level_decides_how_many_chunks_there_are(fal, tone, level, count):
    assert len(fal.transcribe(tone, chunk_level=level).json()["chunks"]) == count


def test_the_scripted_words_depend_on_the_path_alone(fal, audio):
    first, again = (fal.transcribe(f"{audio.url}/one/tone.wav?try={number}").json() for number in (1, 2))
    other = fal.transcribe(f"{audio.url}/two/tone.wav").json()

    assert first == again
    assert first["text"] != other["text"]
