"""Answers of all shapes become transcripts that obey I12, and every repair is named."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.speech.fal.models import model_for

WHISPER, WIZPER, OTHER = "fal-ai/whisper", "fal-ai/wizper", "acme/ears/v2"

numbers = st.floats(-5, 100) | st.integers(-5, 100)
junk = st.none() | st.booleans() | st.text(max_size=3) | st.floats(allow_nan=False) | st.integers() | st.just([])
times = st.one_of(numbers, numbers, numbers, junk)
stamps = st.lists(times, max_size=3) | junk
texts = st.one_of(st.text(max_size=8), st.sampled_from([" Hello", " world.", " ", ""]), junk)
items = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": stamps,
        "start": times,
        "end": times,
        "text": texts,
        "word": texts,
        "type": st.sampled_from(["word", "spacing"]),
        "speaker": st.sampled_from(["SPEAKER_00", "", None, 3, {}]),
        "probability": times,
        "words": st.lists(st.fixed_dictionaries({"text": texts, "start": times, "end": times}), max_size=3) | junk,
    },
)
lists = st.lists(items | junk, max_size=6) | junk
answers = (
    st.fixed_dictionaries(
        {},
        optional={
            "text": texts,
            "output": texts,
            "chunks": lists,
            "segments": lists,
            "words": lists,
            "inferred_languages": st.lists(texts, max_size=2) | junk,
            "languages": junk,
            "language": texts,
        },
    )
    | junk
)


def transcript(raw, endpoint_id=WHISPER, **arguments):
    return model_for(endpoint_id).transcript(raw, arguments)


def obeys_i12(stretches):
    """0 <= start < end, in order of the starts, and every text says something."""
    return all(
        0 <= stretch.start < stretch.end and stretch.text.strip() == stretch.text != "" for stretch in stretches
    ) and all(before.start <= after.start for before, after in pairwise(stretches))


@given(answers, st.sampled_from([WHISPER, WIZPER, OTHER]), st.sampled_from(["segment", "word", "none"]))
def test_every_answer_becomes_a_transcript_that_obeys_its_rules(raw, endpoint_id, chunk_level):
    result = transcript(raw, endpoint_id, chunk_level=chunk_level)

    assert obeys_i12(result.segments)
    assert all(obeys_i12(segment.words) for segment in result.segments if segment.words)
    assert result.text == result.text.strip()
    assert len({repair.split(":")[0] for repair in result.repairs}) == len(result.repairs)
    assert all(int(repair.split(":")[1]) > 0 for repair in result.repairs)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50), st.text("abc", min_size=1, max_size=5)), max_size=8))
def test_a_valid_answer_is_not_touched(steps):
    """Nothing is repaired, moved or dropped where nothing is wrong."""
    chunks, now = [], 0
    for length, pause, text in steps:
        chunks.append({"timestamp": [now / 10, (now + length) / 10], "text": f" {text}"})
        now += length + pause

    result = transcript({"text": "all of it", "chunks": chunks})

    assert result.repairs == ()
    assert [[segment.start, segment.end] for segment in result.segments] == [chunk["timestamp"] for chunk in chunks]
    assert [segment.text for segment in result.segments] == [text for _, _, text in steps]


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


def test_speakers_are_kept():
    chunks = [{**chunk(0, 1), "speaker": "SPEAKER_00"}, {**chunk(1, 2), "speaker": None}]

    assert [segment.speaker for segment in transcript({"text": "x", "chunks": chunks}).segments] == ["SPEAKER_00", None]


@pytest.mark.parametrize(
    ("endpoint_id", "raw", "arguments", "expected"),
    [
        (WHISPER, {"inferred_languages": ["de", "en"]}, {}, "de"),
        (WHISPER, {"inferred_languages": []}, {"language": "fr"}, "fr"),
        (WHISPER, {"inferred_languages": None}, {}, None),
        (WIZPER, {"languages": ["de"]}, {}, "de"),
        (OTHER, {"language": "", "language_code": "eng"}, {}, "eng"),
        (OTHER, {}, {"language": "auto"}, None),
    ],
)
def test_the_language_is_what_the_model_heard_or_was_told(endpoint_id, raw, arguments, expected):
    assert transcript({"text": "x", **raw}, endpoint_id, **arguments).language == expected


def test_word_chunks_become_segments_by_sentence_and_pause():
    chunks = [
        chunk(0.0, 0.4, " Hello"),
        chunk(0.4, 0.9, " world."),
        chunk(1.0, 1.4, " It"),
        chunk(1.4, 1.6, "'s"),
        chunk(4.0, 4.4, " late"),
    ]

    result = transcript({"text": " Hello world. It's late", "chunks": chunks}, chunk_level="word")

    assert [(segment.start, segment.end, segment.text) for segment in result.segments] == [
        (0.0, 0.9, "Hello world."),
        (1.0, 1.6, "It's"),
        (4.0, 4.4, "late"),
    ]
    assert [word.text for word in result.segments[0].words] == ["Hello", "world."]


def test_scribes_words_keep_their_spacing_and_speakers():
    words = [
        {"text": "Hi", "start": 0.0, "end": 0.2, "type": "word", "speaker_id": "speaker_0"},
        {"text": " ", "start": 0.2, "end": 0.3, "type": "spacing", "speaker_id": "speaker_0"},
        {"text": "there", "start": 0.3, "end": 0.6, "type": "word", "speaker_id": "speaker_0"},
        {"text": "Hey", "start": 0.7, "end": 0.9, "type": "word", "speaker_id": "speaker_1"},
    ]

    result = transcript({"text": "Hi there Hey", "language_code": "eng", "words": words}, OTHER)

    assert [(segment.speaker, segment.text) for segment in result.segments] == [
        ("speaker_0", "Hi there"),
        ("speaker_1", "Hey"),
    ]
    assert (result.language, result.repairs) == ("eng", ())


def test_words_without_spaces_are_joined_as_their_language_does():
    english = [{"text": "two", "start": 0, "end": 1}, {"text": "words", "start": 1, "end": 2, "speaker": 0}]
    chinese = [{"text": "你", "start": 0, "end": 1}, {"text": "好", "start": 1, "end": 2}]

    assert [s.text for s in transcript({"text": "two words", "words": english[:1] * 2}, OTHER).segments] == ["two two"]
    assert [s.text for s in transcript({"text": "你好", "words": chinese}, OTHER).segments] == ["你好"]
    assert transcript({"text": "two words", "words": english}, OTHER).segments[1].speaker == "SPEAKER_00"


def test_segments_with_words_inside_keep_both():
    words = [{"word": " Hi", "start": 0.1, "end": 0.5, "probability": 0.9}, {"word": " you", "start": 0.5, "end": 0.5}]

    result = transcript(
        {"text": "Hi you", "segments": [{"start": 0, "end": 1, "text": " Hi you", "words": words}]}, OTHER
    )

    assert [(word.text, word.probability) for word in result.segments[0].words] == [("Hi", 0.9), ("you", None)]
    assert result.repairs == ("zero_length:1",)


def test_an_endpoint_that_only_says_output_gives_text_alone():
    result = transcript({"output": "plain words", "partial": False}, OTHER)

    assert (result.text, result.segments, result.repairs) == ("plain words", (), ())
