"""Every emulated model: what it accepts, what it answers, what it bills, and how it can go wrong."""

import json

import pytest

from emulator.fal.engines.base import Segment, Speech, Word
from emulator.fal.models import ENDPOINTS, InvalidArgumentsError, read_arguments

SPEECH = Speech(
    61.0,
    (
        Segment(0.0, 10.0, " one two", (Word(0.0, 5.0, " one"), Word(5.0, 10.0, " two"))),
        Segment(12.0, 25.0, " three", (Word(12.0, 25.0, " three"),)),
        Segment(25.0, 40.0, " four five", (Word(25.0, 30.0, " four"), Word(30.0, 40.0, " five"))),
    ),
)
SILENCE = Speech(2.0, ())
SCRIBE, SCRIBE_V2 = "fal-ai/elevenlabs/speech-to-text", "fal-ai/elevenlabs/speech-to-text/scribe-v2"
XAI, COHERE = "xai/speech-to-text/v1", "fal-ai/cohere-transcribe"
NEMOTRON, MULTILINGUAL = "fal-ai/nemotron/asr", "nvidia/nemotron-asr-multilingual/asr"
PLAIN = ["fal-ai/speech-to-text", "fal-ai/speech-to-text/turbo", NEMOTRON, MULTILINGUAL]


def asked(endpoint, **arguments):
    return read_arguments(endpoint, {"audio_url": "http://h/a.mp3", **arguments})


def answer(endpoint, speech=SPEECH, **arguments):
    return asked(endpoint, **arguments).answer(speech)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("speech", [SPEECH, SILENCE], ids=["speech", "silence"])
def test_every_model_answers_json_and_silence_has_no_words(endpoint, speech):
    output = json.loads(json.dumps(answer(endpoint, speech)))

    text = output["output"] if endpoint in PLAIN else output["text"]
    assert text.strip() == ("one two three four five" if speech is SPEECH else "")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_unknown_argument_passes_and_a_missing_audio_url_does_not(endpoint):
    asked(endpoint, of_tomorrow=True)

    with pytest.raises(InvalidArgumentsError) as caught:
        read_arguments(endpoint, {})
    assert [error["loc"] for error in caught.value.errors] == [["body", "audio_url"]]


@pytest.mark.parametrize(
    ("endpoint", "argument", "kind"),
    [
        (COHERE, {"language": "auto"}, "enum"),
        (COHERE, {"max_new_tokens": 1025}, "less_than_equal"),
        (NEMOTRON, {"acceleration": "full"}, "enum"),
        (MULTILINGUAL, {"language": "en"}, "enum"),
        (MULTILINGUAL, {"acceleration": "low"}, "enum"),
        (SCRIBE_V2, {"keyterms": ["x" * 51]}, "string_too_long"),
        (SCRIBE_V2, {"keyterms": ["x"] * 101}, "too_long"),
        (XAI, {"language": "xx"}, "enum"),
        ("fal-ai/speech-to-text", {"use_pnc": "perhaps"}, "bool_parsing"),
    ],
)
def test_what_a_model_does_not_take_is_refused(endpoint, argument, kind):
    with pytest.raises(InvalidArgumentsError) as caught:
        asked(endpoint, **argument)

    assert [error["type"] for error in caught.value.errors] == [kind]


@pytest.mark.parametrize("endpoint", PLAIN)
def test_canary_and_nemotron_answer_a_text_and_nothing_else(endpoint):
    assert answer(endpoint) == {"output": "one two three four five", "partial": False}
    assert asked(endpoint).events(answer(endpoint))[0] == {"output": "one two", "partial": True}
    assert asked(endpoint).events(answer(endpoint, SILENCE)) == [{"output": "", "partial": False}]


@pytest.mark.parametrize("endpoint", [SCRIBE, SCRIBE_V2])
def test_scribe_tells_two_speakers_apart_unless_refused(endpoint):
    words = answer(endpoint)["words"]

    assert [word["type"] for word in words] == ["word", "spacing"] * 4 + ["word"]
    assert [word["speaker_id"] for word in words if word["type"] == "word"] == [
        "speaker_0",
        "speaker_0",
        "speaker_1",
        "speaker_0",
        "speaker_0",
    ]
    assert "".join(word["text"] for word in words) == answer(endpoint)["text"]
    assert {word["speaker_id"] for word in answer(endpoint, diarize=False)["words"]} == {None}
    assert answer(endpoint, language_code="deu", language="en")["language_code"] == "deu"


def test_xai_numbers_its_speakers_and_leaves_out_what_is_empty():
    assert [word["speaker"] for word in answer(XAI, diarize=True)["words"]] == [0, 0, 1, 0, 0]
    assert answer(XAI)["words"][2] == {"text": "three", "start": 12.0, "end": 25.0}
    assert answer(XAI, SILENCE) == {"text": "", "language": "en", "duration": 2.0}


@pytest.mark.parametrize(
    ("endpoint", "arguments", "units"),
    [
        ("fal-ai/whisper", {}, 61.0),
        ("fal-ai/speech-to-text", {}, 61.0),
        (NEMOTRON, {}, 61.0),
        (MULTILINGUAL, {}, 1.016667),
        (COHERE, {}, 61.0),
        (SCRIBE, {}, 1.016667),
        (SCRIBE_V2, {"keyterms": ["Austen"]}, 1.321667),
        (XAI, {}, 2.0),
    ],
)
def test_each_model_bills_in_its_own_unit(endpoint, arguments, units):
    assert asked(endpoint, **arguments).units(61.0) == units


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_garbling_spoils_every_model_in_its_own_way_and_leaves_its_input_alone(endpoint):
    whole = answer(endpoint)

    spoilt = ENDPOINTS[endpoint].garbled(whole)

    assert json.dumps(spoilt) != json.dumps(whole)
    assert whole == answer(endpoint)
    assert json.dumps(ENDPOINTS[endpoint].garbled(answer(endpoint, SILENCE)))


def test_the_defects_of_words_are_all_there():
    scribe = ENDPOINTS[SCRIBE].garbled(answer(SCRIBE))
    xai = ENDPOINTS[XAI].garbled(answer(XAI, diarize=True))

    words = [word for word in scribe["words"] if word["type"] == "word"]
    assert scribe["words"][0] == {"text": "(laughter)", "type": "audio_event"}
    assert scribe["language_code"] == xai["language"] == ""
    assert any("start" not in word for word in words)
    assert any(word.get("start", 0) is not None and word.get("end", 0) is None for word in words)
    assert any(
        "start" in word and None not in {word["start"], word["end"]} and word["start"] > word["end"] for word in words
    )
    assert {type(word["speaker_id"]) for word in words} == {str, int}
    assert {type(word["speaker"]) for word in xai["words"]} == {str, int}
