"""Answers of all shapes become transcripts that obey I12, and every repair is named."""

from __future__ import annotations

import pytest

from pipeline.speech.fal.models import model_for

WHISPER, WIZPER, OTHER = "fal-ai/whisper", "fal-ai/wizper", "acme/ears/v2"
SCRIBE, XAI = "fal-ai/elevenlabs/speech-to-text/scribe-v2", "xai/speech-to-text/v1"
CANARY, MULTILINGUAL = "fal-ai/speech-to-text", "nvidia/nemotron-asr-multilingual/asr"


def transcript(raw, endpoint_id=WHISPER, **arguments):
    return model_for(endpoint_id).transcript(raw, arguments)


def chunk(start, end, text=" x"):
    return {"timestamp": [start, end], "text": text}


@pytest.mark.parametrize(
    ("chunks", "repairs", "stretches"),
    [
        ([chunk(0, None)], ("end_missing:1",), [(0, 0.3)]),
        ([chunk(0, None), chunk(0.2, 1)], ("end_missing:1",), [(0, 0.2), (0.2, 1)]),
        ([chunk(1, 2), chunk(None, 3)], ("start_missing:1",), [(1, 2), (2, 3)]),
        ([chunk(1, 2), {"timestamp": None, "text": "x"}], ("end_missing:1", "start_missing:1"), [(1, 2), (2, 2.3)]),
        ([{"text": "x"}], ("end_missing:1", "start_missing:1"), [(0, 0.3)]),
        ([chunk(5, 3)], ("reversed:1",), [(3, 5)]),
        ([chunk(30.01, 30.01)], ("zero_length:1",), [(30.01, 30.31)]),
        ([chunk(-1, 3)], ("start_negative:1",), [(0, 3)]),
        ([chunk(5, 6), chunk(1, 2)], ("out_of_order:1",), [(1, 2), (5, 6)]),
        ([chunk(0, 1), chunk(1, 2, " ")], ("empty_dropped:1",), [(0, 1)]),
        ([chunk(0, 1), chunk(1, 2, None)], ("empty_dropped:1",), [(0, 1)]),
        ([chunk(0, 1), None, "junk"], ("item_malformed:2",), [(0, 1)]),
        ([chunk(0, float("inf"))], ("end_missing:1",), [(0, 0.3)]),
        ([chunk(0, 1e300)], ("end_missing:1",), [(0, 0.3)]),
        ([chunk("0", True)], ("end_missing:1", "start_missing:1"), [(0, 0.3)]),
        ("junk", ("list_malformed:1",), []),
        (None, (), []),
        ([], (), []),
    ],
)
def test_each_repair_has_its_name(chunks, repairs, stretches):
    result = transcript({"text": "x", "chunks": chunks})

    assert result.repairs == repairs
    assert [(segment.start, segment.end) for segment in result.segments] == stretches


def test_a_missing_text_is_made_of_the_segments():
    result = transcript({"text": None, "chunks": [chunk(0, 1, " Hello"), chunk(1, 2, " world.")]})

    assert (result.text, result.repairs) == ("Hello world.", ("text_missing:1",))


def test_an_empty_text_is_no_speech_and_no_error():
    result = transcript({"text": "", "chunks": []})

    assert (result.has_speech, result.repairs) == (False, ())


@pytest.mark.parametrize(
    ("endpoint_id", "raw", "arguments", "expected"),
    [
        (WHISPER, {"inferred_languages": ["de", "en"]}, {}, "de"),
        (WHISPER, {"inferred_languages": []}, {"language": "fr"}, "fr"),
        (WHISPER, {"inferred_languages": None}, {}, None),
        (WIZPER, {"languages": ["de"]}, {}, "de"),
        (WHISPER, {"inferred_languages": ["jw"]}, {}, "jv"),
        (WIZPER, {}, {"language": None}, None),
        (SCRIBE, {"language_code": "deu"}, {}, "de"),
        (SCRIBE, {"language_code": ""}, {"language_code": "ger"}, "de"),
        (XAI, {"language": "English"}, {}, "en"),
        (XAI, {"language": ""}, {"language": "fil"}, "tl"),
        (MULTILINGUAL, {}, {"language": "pt-BR"}, "pt"),
        (OTHER, {"language": "", "language_code": "eng"}, {}, "en"),
        (OTHER, {"language": "yue-HK"}, {}, "yue"),
        (OTHER, {"language": "und"}, {}, None),
        (OTHER, {"language": "Klingon?"}, {}, "Klingon?"),
        (OTHER, {}, {"language": "auto"}, None),
    ],
)
def test_the_language_is_what_the_model_heard_or_was_told(endpoint_id, raw, arguments, expected):
    assert transcript({"text": "x", **raw}, endpoint_id, **arguments).language == expected


def test_an_endpoint_that_only_says_output_gives_text_alone():
    result = transcript({"output": "plain words", "partial": False}, OTHER)

    assert (result.text, result.segments, result.repairs) == ("plain words", (), ())


def test_a_blank_text_beside_segments_is_made_of_them():
    """It would count as no speech at all."""
    result = transcript({"text": " ", "chunks": [chunk(0, 1, " Hello")]})

    assert (result.text, result.has_speech, result.repairs) == ("Hello", True, ("text_missing:1",))


@pytest.mark.parametrize(
    ("raw", "text", "repairs"),
    [
        ({"output": "half a", "partial": True}, "half a", ("partial:1",)),
        ({"output": " whole", "partial": False}, "whole", ()),
        ({"output": "", "partial": False}, "", ()),
        ({"text": None, "output": "said"}, "said", ()),
        ({"text": "", "output": "said"}, "said", ()),
        ({"output": None}, "", ("text_missing:1",)),
        ("only a text", "only a text", ()),
        (["no", "object"], "", ("text_missing:1",)),
        (None, "", ("text_missing:1",)),
    ],
)
def test_a_text_without_times_is_kept_and_says_when_it_is_partial(raw, text, repairs):
    result = transcript(raw, CANARY)

    assert (result.text, result.segments, result.repairs) == (text, (), repairs)


def test_a_segment_without_times_takes_them_from_its_words():
    words = [{"word": "a", "start": 3, "end": 4}, {"word": "b", "start": 4, "end": 5.5}]

    result = transcript({"text": "a b", "segments": [{"text": "a b", "words": words}]}, OTHER)

    assert [(segment.start, segment.end) for segment in result.segments] == [(3, 5.5)]
    assert result.repairs == ("end_missing:1", "start_missing:1")
