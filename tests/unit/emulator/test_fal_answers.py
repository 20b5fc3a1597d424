"""Whisper and wizper: speech to output; garbling, retention, and the scripted engine."""

import asyncio
import itertools

import pytest

from emulator.fal.engines.base import Segment, Speech, Word
from emulator.fal.engines.scripted import ScriptedEngine
from emulator.fal.models.whisper import WhisperArguments
from emulator.fal.models.wizper import WizperArguments, merge
from emulator.fal.outcomes import success
from emulator.fal.request import FalRequest
from emulator.fal.retention import is_expired

SPEECH = Speech(
    60.0,
    (
        Segment(0.0, 10.0, " one two", (Word(0.0, 5.0, " one"), Word(5.0, 10.0, " two"))),
        Segment(12.0, 25.0, " three", (Word(12.0, 25.0, " three"),)),
        Segment(25.0, 40.0, " four", (Word(25.0, 40.0, " four"),)),
    ),
)


def whisper(**arguments):
    return WhisperArguments(audio_url="x", **arguments).answer(SPEECH)


@pytest.mark.parametrize(
    ("level", "stamps"),
    [
        ("none", [[0.0, 40.0]]),
        ("segment", [[0.0, 10.0], [12.0, 25.0], [25.0, 40.0]]),
        ("word", [[0.0, 5.0], [5.0, 10.0], [12.0, 25.0], [25.0, 40.0]]),
    ],
)
def test_chunks_follow_the_level_and_join_to_the_text(level, stamps):
    output = whisper(chunk_level=level)

    assert [chunk["timestamp"] for chunk in output["chunks"]] == stamps
    assert "".join(chunk["text"] for chunk in output["chunks"]) == output["text"] == " one two three four"


def test_diarization_lets_two_speakers_take_turns_only_when_asked():
    output = whisper(diarize=True)

    speakers = [chunk["speaker"] for chunk in output["chunks"]]
    assert speakers == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"]
    assert [turn["speaker"] for turn in output["diarization_segments"]] == speakers
    assert output["diarization_segments"][1]["timestamp"] == [12.0, 25.0]
    assert {chunk["speaker"] for chunk in whisper(diarize=True, num_speakers=1)["chunks"]} == {"SPEAKER_00"}
    assert "speaker" not in whisper()["chunks"][0]


@pytest.mark.parametrize("level", ["none", "segment", "word"])
def test_silence_has_no_text_and_no_chunks(level):
    output = WhisperArguments(audio_url="x", chunk_level=level).answer(Speech(5.0, ()))

    assert (output["text"], output["chunks"]) == ("", [])


def test_wizper_merges_neighbours_up_to_the_longest_segment():
    merged = WizperArguments(audio_url="x").answer(SPEECH)["chunks"]
    separate = WizperArguments(audio_url="x", merge_chunks=False).answer(SPEECH)["chunks"]

    assert [chunk["timestamp"] for chunk in merged] == [[0.0, 25.0], [25.0, 40.0]]
    assert len(separate) == 3
    assert merge([], 29) == []


def test_garbling_leaves_the_text_and_its_input_alone():
    whole = whisper()

    spoilt = WhisperArguments.garbled(whole)

    assert spoilt["text"] == whole["text"]
    assert [chunk["timestamp"] for chunk in spoilt["chunks"]] == [None, [25.0, 12.0], [25.0, None]]
    assert whole == whisper()


@pytest.mark.parametrize(
    ("size_bytes", "age_s", "expired"),
    [
        (10_000, 3599, False),
        (10_000, 3600, True),
        (10_240, 359, False),
        (10_240, 360, True),
    ],
)
def test_a_result_of_ten_kilobytes_is_forgotten_sooner(size_bytes, age_s, expired):
    text = "x" * (size_bytes - len(success({"text": ""}, 1).body))
    request = FalRequest("id", "fal-ai/whisper", "fal-ai/whisper", "owner", {}, sent_at=0.0)
    request.outcome, request.ended_at = success({"text": text}, 1), 1000.0

    assert is_expired(request, 1000.0 + age_s, time_factor=1) is expired
    assert is_expired(request, 1000.0 + age_s / 60, time_factor=60) is expired


def hear(path, words=25):
    engine = ScriptedEngine(service_s=0, speed=None, jitter_share=0.5, words=words, seed=1)
    return asyncio.run(engine.listen(path, None, words=True))


def test_the_scripted_engine_says_the_same_for_the_same_path_and_fills_the_duration():
    speech = hear("/bucket/a.mp3")

    assert speech == hear("/bucket/a.mp3")
    assert speech != hear("/bucket/b.mp3")
    assert (speech.duration_s, speech.segments[-1].end) == (10.0, 10.0)
    words = [word for segment in speech.segments for word in segment.words]
    assert len(words) == 25
    assert all(earlier.end <= later.start for earlier, later in itertools.pairwise(words))


def test_the_scripted_engine_can_be_silent():
    assert hear("/bucket/a.mp3", words=0).segments == ()
