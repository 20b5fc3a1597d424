"""Whatever any model answers becomes a transcript that obeys I12, loses nothing, and can be read again (properties)."""

from __future__ import annotations

from itertools import accumulate, pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.speech.fal.models import KNOWN_MODELS, model_for

OTHER = "acme/ears/v2"
ENDPOINTS = [*KNOWN_MODELS, OTHER]
SCRIBES = [name for name in KNOWN_MODELS if "elevenlabs" in name]

numbers = st.floats(-5, 100) | st.integers(-5, 100)
junk = st.none() | st.booleans() | st.text(max_size=3) | st.floats() | st.integers() | st.just([]) | st.just({})
times = st.one_of(numbers, numbers, numbers, junk)
stamps = st.lists(times, max_size=3) | junk
texts = st.one_of(st.text(max_size=8), st.sampled_from([" Hello", " world.", " ", ""]), junk)
speakers = st.sampled_from(["SPEAKER_00", "speaker_1", "Ada", "", None, 3, -1, 0.5, {}, True])
words = st.fixed_dictionaries({"text": texts, "start": times, "end": times}, optional={"speaker": speakers})
items = st.fixed_dictionaries(
    {},
    optional={
        "timestamp": stamps,
        "start": times,
        "end": times,
        "text": texts,
        "word": texts,
        "type": st.sampled_from(["word", "spacing", "audio_event", 1]),
        "speaker": speakers,
        "speaker_id": speakers,
        "probability": times,
        "words": st.lists(words, max_size=3) | junk,
    },
)
lists = st.lists(items | junk, max_size=6) | junk
channels = st.lists(st.fixed_dictionaries({}, optional={"words": lists, "text": texts}) | junk, max_size=3) | junk
languages = st.lists(texts, max_size=2) | st.sampled_from(["en", "deu", "pt-BR", "English", "yue"]) | junk
answers = (
    st.fixed_dictionaries(
        {},
        optional={
            "text": texts,
            "output": texts,
            "partial": junk,
            "chunks": lists,
            "segments": lists,
            "words": lists,
            "channels": channels,
            "diarization_segments": lists,
            "inferred_languages": languages,
            "languages": languages,
            "language": languages,
            "language_code": languages,
            "duration": times,
            "timings": junk,
        },
    )
    | junk
)
chunk_levels = st.sampled_from(["segment", "word", "none"])


def transcript(raw, endpoint_id, **arguments):
    return model_for(endpoint_id).transcript(raw, arguments)


def obeys_i12(stretches):
    """0 <= start < end, in order of the starts, and every text says something."""
    return all(
        0 <= stretch.start < stretch.end and stretch.text.strip() == stretch.text != "" for stretch in stretches
    ) and all(before.start <= after.start for before, after in pairwise(stretches))


@given(answers, st.sampled_from(ENDPOINTS), chunk_levels)
@example({"text": "x", "segments": [{"start": 1, "end": 0, "text": "x", "words": [{"text": "x"}]}]}, OTHER, "none")
def test_every_answer_becomes_a_transcript_that_obeys_its_rules(raw, endpoint_id, chunk_level):
    result = transcript(raw, endpoint_id, chunk_level=chunk_level)

    assert obeys_i12(result.segments)
    for segment in result.segments:
        spoken = segment.words or ()
        assert segment.words is None or spoken, "a segment without words says so in one way"
        assert obeys_i12(spoken)
        assert all(segment.start <= word.start < word.end <= segment.end for word in spoken)
    assert result.text == result.text.strip()
    assert len({repair.split(":")[0] for repair in result.repairs}) == len(result.repairs)
    assert all(int(repair.split(":")[1]) > 0 for repair in result.repairs)


@given(answers, st.sampled_from(ENDPOINTS), chunk_levels)
def test_no_word_of_the_text_is_lost(raw, endpoint_id, chunk_level):
    answer = raw if isinstance(raw, dict) else {"text": raw}
    said = [text for text in (answer.get("text"), answer.get("output")) if isinstance(text, str) and text.strip()]

    result = transcript(raw, endpoint_id, chunk_level=chunk_level)

    assert not said or result.text == said[0].strip()


@given(answers, st.sampled_from(ENDPOINTS), chunk_levels)
def test_a_transcript_that_is_read_again_is_the_same_and_needs_no_repair(raw, endpoint_id, chunk_level):
    """What was mended once is clean: nothing is moved, dropped or named a second time."""
    once = transcript(raw, endpoint_id, chunk_level=chunk_level)

    again = transcript(once.model_dump(mode="json"), OTHER)

    assert again == once.model_copy(update={"repairs": ()})


def told(steps):
    """Clean stretches out of (length, pause, text), in tenths of a second."""
    ends = accumulate(length + pause for length, pause, _ in steps)
    return [
        ((end - length - pause) / 10, (end - pause) / 10, text)
        for end, (length, pause, text) in zip(ends, steps, strict=True)
    ]


steps = st.lists(
    st.tuples(st.integers(1, 50), st.integers(0, 50), st.text("abc", min_size=1, max_size=5)), min_size=1, max_size=8
)


@given(steps, st.sampled_from(["fal-ai/whisper", "fal-ai/wizper"]))
def test_clean_chunks_are_not_touched(steps, endpoint_id):
    stretches = told(steps)
    chunks = [{"timestamp": [start, end], "text": f" {text}"} for start, end, text in stretches]

    result = transcript({"text": "all of it", "chunks": chunks, "diarization_segments": []}, endpoint_id)

    assert result.repairs == ()
    assert [(segment.start, segment.end, segment.text) for segment in result.segments] == stretches


@given(steps, st.sampled_from([*SCRIBES, "xai/speech-to-text/v1"]), st.booleans())
def test_clean_words_are_not_touched(steps, endpoint_id, is_diarized):
    stretches = told(steps)
    speaker = {} if not is_diarized else {"speaker_id": "speaker_0"} if endpoint_id in SCRIBES else {"speaker": 0}
    said = [{"text": text, "start": start, "end": end, "type": "word"} | speaker for start, end, text in stretches]
    if endpoint_id in SCRIBES:
        spaces = [{"text": " ", "start": word["end"], "end": word["end"], "type": "spacing"} | speaker for word in said]
        said = [item for pair in zip(said, spaces, strict=True) for item in pair][:-1]

    result = transcript({"text": " ".join(text for *_, text in stretches), "words": said}, endpoint_id)

    assert result.repairs == ()
    assert [(word.start, word.end, word.text) for s in result.segments for word in s.words] == stretches
    assert " ".join(segment.text for segment in result.segments) == result.text
    assert {segment.speaker for segment in result.segments} == {"SPEAKER_00" if is_diarized else None}


@given(st.text("abc ", min_size=1, max_size=20))
def test_a_clean_text_is_not_touched(text):
    assert transcript({"output": text, "partial": False}, "fal-ai/nemotron/asr").repairs == ()
    assert transcript({"text": text, "timings": {"total": 1.5}}, "fal-ai/cohere-transcribe").repairs == ()
