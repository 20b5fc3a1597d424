"""Words and speakers, in every form that models give them, become segments that can be read."""

from __future__ import annotations

import pytest

from pipeline.speech.fal.models import model_for

WHISPER, WIZPER, OTHER = "fal-ai/whisper", "fal-ai/wizper", "acme/ears/v2"
SCRIBE, XAI = "fal-ai/elevenlabs/speech-to-text/scribe-v2", "xai/speech-to-text/v1"


def transcript(raw, endpoint_id=WHISPER, **arguments):
    return model_for(endpoint_id).transcript(raw, arguments)


def chunk(start, end, text=" x"):
    return {"timestamp": [start, end], "text": text}


def test_speakers_are_kept():
    chunks = [{**chunk(0, 1), "speaker": "SPEAKER_00"}, {**chunk(1, 2), "speaker": None}]

    assert [segment.speaker for segment in transcript({"text": "x", "chunks": chunks}).segments] == ["SPEAKER_00", None]


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
        ("SPEAKER_00", "Hi there"),
        ("SPEAKER_01", "Hey"),
    ]
    assert (result.language, result.repairs) == ("en", ())


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


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("SPEAKER_00", "SPEAKER_00"),
        ("speaker_1", "SPEAKER_01"),
        ("Speaker 12", "SPEAKER_12"),
        ("3", "SPEAKER_03"),
        (3, "SPEAKER_03"),
        (3.0, "SPEAKER_03"),
        (" Ada ", "Ada"),
        ("speaker A", "speaker A"),
        (-1, None),
        (0.5, None),
        (True, None),
        (None, None),
        ("", None),
        ([], None),
        (10**400, None),
    ],
)
def test_speakers_have_one_form_whatever_a_model_calls_them(given, name):
    result = transcript({"text": "x", "words": [{"text": "x", "start": 0, "end": 1, "speaker": given}]}, XAI)

    assert result.segments[0].speaker == name


def test_missing_speakers_are_those_whose_turns_overlap_most():
    chunks = [chunk(0, 4), chunk(4, 9), {**chunk(9, 10), "speaker": "SPEAKER_07"}, chunk(20, 21), chunk(30, 31)]
    turns = [
        {"timestamp": [0, 3], "speaker": "SPEAKER_00"},
        {"timestamp": [3, 6], "speaker": "SPEAKER_01"},
        {"timestamp": [32, 30], "speaker": "SPEAKER_05"},
        {"timestamp": [6, 10], "speaker": "SPEAKER_00"},
        {"timestamp": [0, 2], "speaker": None},
        {"timestamp": None, "speaker": "SPEAKER_03"},
    ]

    result = transcript({"text": "x x x x x", "chunks": chunks, "diarization_segments": turns})

    names = [segment.speaker for segment in result.segments]
    assert names == ["SPEAKER_00", "SPEAKER_00", "SPEAKER_07", None, "SPEAKER_05"]
    assert result.repairs == ("speaker_filled:3", "turn_dropped:2")


def test_a_speakers_turns_count_together():
    turns = [
        {"timestamp": [0, 4], "speaker": "SPEAKER_00"},
        {"timestamp": [4, 7], "speaker": "SPEAKER_01"},
        {"timestamp": [7, 10], "speaker": "SPEAKER_01"},
    ]

    result = transcript({"text": "x", "chunks": [chunk(0, 10)], "diarization_segments": turns})

    assert result.segments[0].speaker == "SPEAKER_01"


def test_words_get_their_speakers_before_they_are_grouped():
    chunks = [chunk(0, 1, " Hi"), chunk(1, 2, " you"), chunk(2, 3, " Hey")]
    turns = [{"timestamp": [0, 2], "speaker": "SPEAKER_00"}, {"timestamp": [2, 3], "speaker": "SPEAKER_01"}]

    result = transcript({"text": "Hi you Hey", "chunks": chunks, "diarization_segments": turns}, chunk_level="word")

    assert [(segment.speaker, segment.text) for segment in result.segments] == [
        ("SPEAKER_00", "Hi you"),
        ("SPEAKER_01", "Hey"),
    ]


def test_sounds_are_in_the_text_and_no_words():
    words = [
        {"text": "Ha", "start": 0, "end": 1, "type": "word"},
        {"text": " ", "start": 1, "end": 1, "type": "spacing"},
        {"text": "(laughter)", "start": 1, "end": 2, "type": "audio_event"},
        {"text": "", "start": 2, "end": 2, "type": "spacing"},
        {"text": "(music)", "start": 60, "end": 90, "type": "audio_event"},
    ]

    result = transcript({"text": "Ha (laughter)(music)", "words": words}, SCRIBE)

    assert [segment.text for segment in result.segments] == ["Ha (laughter)", "(music)"]
    assert [word.text for word in result.segments[0].words] == ["Ha"]
    assert (result.segments[1].words, result.repairs) == (None, ())


def test_channels_are_grouped_apart_and_put_in_order():
    """Two people who talk at once, each in a channel: every word counts for the one who said it."""
    first = [{"text": "Good", "start": 0.0, "end": 0.5}, {"text": "day.", "start": 0.5, "end": 1.0}]
    first += [{"text": "Come", "start": 2.0, "end": 2.5}, {"text": "in.", "start": 2.5, "end": 3.0}]
    second = [
        {"text": "Oh", "start": 0.4, "end": 0.6, "speaker": 1},
        {"text": "hi", "start": 0.6, "end": 0.8, "speaker": 1},
    ]
    raw = {"text": "Good Oh hi day. Come in.", "channels": [{"words": first}, {"words": None}, {"words": second}]}

    result = transcript(raw | {"words": first + second}, XAI, multichannel=True)

    assert [(segment.speaker, segment.text) for segment in result.segments] == [
        ("CHANNEL_00", "Good day."),
        ("CHANNEL_02 SPEAKER_01", "Oh hi"),
        ("CHANNEL_00", "Come in."),
    ]
    assert (result.text, result.repairs) == ("Good Oh hi day. Come in.", ())


def test_phrases_where_words_were_asked_for_stay_phrases():
    """A model that has no words may answer its segments all the same; that the wish was not met, others find out."""
    chunks = [chunk(0, 3, " It was a dark night."), chunk(3, 6, " Rain fell."), chunk(6, 7, " Hush!")]

    result = transcript({"text": "...", "chunks": chunks}, WIZPER, chunk_level="word")

    assert [segment.text for segment in result.segments] == ["It was a dark night.", "Rain fell.", "Hush!"]
    assert all(segment.words is None for segment in result.segments)


def test_words_stay_inside_their_segment():
    spoken = [(-1, 0.5), (4.8, 5.4), (7, 8), (9, 9.5)]
    words = [{"word": name, "start": start, "end": end} for name, (start, end) in zip("abcd", spoken, strict=True)]
    segment = {"start": 1, "end": 5, "text": "a b c d", "words": words}

    result = transcript({"text": "a b c d", "segments": [segment]}, OTHER)

    assert [(word.start, word.end, word.text) for word in result.segments[0].words] == [
        (1, 1.3, "a"),
        (4.8, 5, "b"),
        (4.8, 5, "c"),
        (4.8, 5, "d"),
    ]
    assert result.repairs == ("start_negative:1", "word_outside:4")
