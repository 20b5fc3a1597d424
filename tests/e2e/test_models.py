"""Every model that is known, each with an archive of its own: from the user's wishes to sidecar, subtitles and bill."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from archives import REPOSITORY, all_of
from jsonschema import Draft202012Validator

pytestmark = [pytest.mark.e2e]

SIDECAR = Draft202012Validator(json.loads((REPOSITORY / "docs/schemas/sidecar.schema.json").read_text()))
SPEAKERS = ["--diarize", "--speakers", "2"]


@dataclass(frozen=True)
class Case:
    """A model, what is asked of it, and what comes back in the one shape of all sidecars."""

    model: str
    wishes: list[str] = field(default_factory=list)
    has_times: bool = True
    has_words: bool = False
    has_speakers: bool = False
    language: str | None = "en"

    def __str__(self) -> str:
        return self.model


CASES = [
    Case("fal-ai/whisper", [*SPEAKERS, "--prompt", "Ada Lovelace"], has_speakers=True),
    Case("fal-ai/wizper", ["--language", "en"]),
    Case("fal-ai/speech-to-text", ["--language", "en"], has_times=False, language=None),
    Case("fal-ai/speech-to-text/turbo", ["--language", "en"], has_times=False, language=None),
    Case("fal-ai/elevenlabs/speech-to-text", ["--diarize", "--words"], has_words=True, has_speakers=True),
    Case("fal-ai/elevenlabs/speech-to-text/scribe-v2", ["--keyterms", "Ada,Byron", "--words"], has_words=True),
    Case("fal-ai/cohere-transcribe", ["--language", "en"], has_times=False),
    Case("fal-ai/nemotron/asr", ["--language", "en"], has_times=False, language=None),
    Case("nvidia/nemotron-asr-multilingual/asr", ["--language", "en-GB"], has_times=False),
    Case("xai/speech-to-text/v1", ["--diarize", "--words"], has_words=True, has_speakers=True),
    Case("fal-ai/whisper", ["--arg", "chunk_level=word", "--language", "en"], has_words=True),
]


@pytest.mark.parametrize("garbled", [False, True], ids=["clean", "garbled"])
def test_an_archive_of_each_model_becomes_sidecars_of_one_shape(archive, garbled):
    """A folder per model: each answer as its family gives it, then with the defects that its family is known for."""
    episodes = {}
    for number in range(len(CASES)):
        prefix = f"m{number:02}/"
        episodes[prefix] = archive.put_episodes(1, prefix)
    archive.fault(*([{"on": "process", "do": "garble"}] if garbled else []))
    archive.start_worker()

    for number, case in enumerate(CASES):
        uri = f"{archive.uri}m{number:02}/"
        outcome = archive.run("backfill", uri, "--model", case.model, *case.wishes, "--formats", "vtt,txt")
        assert outcome.returncode == 0, (case.model, outcome.stderr)
        for key in episodes[f"m{number:02}/"]:
            _is_of_one_shape(archive.sidecar(key), case, garbled=garbled)
            assert archive.read(f"{key}.vtt").startswith(b"WEBVTT")

    assert set(archive.bills_per_key().values()) == {1}


def _is_of_one_shape(sidecar, case, *, garbled):
    SIDECAR.validate(sidecar)
    assert sidecar["recipe"]["endpoint_id"] == case.model
    # The emulator says twelve words; a laugh may be among them, and a garbled text without times may be cut off.
    assert len(sidecar["text"].split()) >= (1 if garbled and not case.has_times else 12)
    assert set(sidecar["raw"]) & {"text", "output"}, "the raw answer is kept"
    segments = sidecar["segments"]
    _obeys_the_rules(segments, sidecar["duration_s"])
    if not case.has_times:
        assert segments == []
    elif not garbled:
        assert sidecar["quality"]["repairs"] == []
        assert sidecar["language"] == case.language
        assert segments
        assert all(segment["words"] for segment in segments) is case.has_words
        assert all(all_of(segments, "speaker")) is case.has_speakers
        assert not case.has_speakers or len(set(all_of(segments, "speaker"))) == 2
    else:
        assert sidecar["quality"]["repairs"], "what had to be mended is told"


def _obeys_the_rules(segments, duration_s):
    """I12, for segments and for the words in them."""
    pieces = [segments, *(segment["words"] or [] for segment in segments)]
    for items in pieces:
        at_s = 0.0
        for item in items:
            assert at_s <= item["start"] < item["end"] <= duration_s + 1e-9, items
            at_s = item["start"]


@pytest.mark.parametrize(
    ("model", "wishes", "who_can"),
    [
        ("fal-ai/wizper", ["--diarize"], "fal-ai/whisper"),
        ("fal-ai/nemotron/asr", ["--words"], "fal-ai/elevenlabs/speech-to-text"),
        ("fal-ai/whisper", ["--keyterms", "Ada"], "scribe-v2"),
        ("fal-ai/cohere-transcribe", ["--translate"], "fal-ai/whisper"),
    ],
)
def test_what_a_model_cannot_do_is_refused_before_anything_is_paid(archive, model, wishes, who_can):
    archive.put_episodes(1)

    outcome = archive.run("backfill", archive.uri, "--model", model, *wishes)

    assert outcome.returncode == 2
    assert "Traceback" not in outcome.stderr
    assert who_can in outcome.stderr
    assert archive.ledger()["accepted"] == []


def test_an_unknown_model_works_with_arguments_of_its_own(archive):
    (key,) = archive.put_episodes(1)
    archive.start_worker()

    outcome = archive.run("backfill", archive.uri, "--model", "acme/ears/v2", "--arg", "mood=calm")

    assert outcome.returncode == 0, outcome.stderr
    sidecar = archive.sidecar(key)
    assert sidecar["recipe"]["arguments"] == {"mood": "calm"}
    assert sidecar["text"]
