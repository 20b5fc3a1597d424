"""Recipes: what a user may ask of each model, and the arguments that come of it."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigurationError
from pipeline.models import Asked
from pipeline.speech.fal.models.languages import LANGUAGES

WHISPER, WIZPER, OTHER = "fal-ai/whisper", "fal-ai/wizper", "acme/ears/v2"


@pytest.fixture
def arguments(transcriber):
    """The arguments of the recipe for some wishes."""

    def made(endpoint_id, language=None, task=None, /, **extra):
        return transcriber.recipe(endpoint_id, Asked(language=language, task=task), extra).arguments

    return made


@pytest.mark.parametrize(
    ("endpoint_id", "language", "expected"),
    [
        (WHISPER, "auto", {"task": "transcribe"}),
        (WHISPER, None, {"task": "transcribe"}),
        (WHISPER, "DE", {"task": "transcribe", "language": "de"}),
        (WIZPER, "auto", {"task": "transcribe", "language": None}),
        (WIZPER, None, {"task": "transcribe", "language": None}),
        (WIZPER, "en", {"task": "transcribe", "language": "en"}),
        (OTHER, "auto", {}),
        (OTHER, None, {}),
        (OTHER, "pt-BR", {"language": "pt-BR"}),
    ],
)
def test_auto_means_auto_for_every_model(arguments, endpoint_id, language, expected):
    """Whisper knows no "auto", and wizper takes silence about the language for English."""
    assert arguments(endpoint_id, language) == expected


def test_all_99_languages_are_known(arguments):
    assert len(LANGUAGES) == 99
    assert all(arguments(WHISPER, code)["language"] == code for code in LANGUAGES)


@pytest.mark.parametrize(
    ("language", "hint"), [("eng", "en"), ("de-DE", "de"), ("german", "ge|de|ar"), ("xx", "such as")]
)
@pytest.mark.parametrize("endpoint_id", [WHISPER, WIZPER])
def test_an_unknown_language_is_refused_with_a_hint(arguments, endpoint_id, language, hint):
    with pytest.raises(ConfigurationError, match=hint) as caught:
        arguments(endpoint_id, language)
    assert caught.value.reason == "bad_language"


def test_a_task_is_passed_on(arguments):
    assert arguments(WHISPER, None, "translate") == {"task": "translate"}
    assert arguments(OTHER, None, "translate") == {"task": "translate"}
    assert arguments(OTHER, None, "transcribe") == {}


def test_extra_arguments_win_over_language_and_task(arguments):
    assert arguments(WHISPER, "de", "transcribe", language="fr", task="translate") == {
        "task": "translate",
        "language": "fr",
    }
    assert arguments(OTHER, "de", language="fr") == {"language": "fr"}
    assert arguments(WHISPER, "de", language=None) == {"task": "transcribe"}


def test_saying_a_default_aloud_gives_the_same_recipe(transcriber):
    plain = transcriber.recipe(WHISPER, Asked(language="auto"), {})
    spoken = transcriber.recipe(
        WHISPER, Asked(task="transcribe"), {"chunk_level": "segment", "diarize": False, "prompt": ""}
    )

    assert plain.hash == spoken.hash


def test_whatever_differs_from_the_defaults_is_in_the_recipe(arguments):
    extra = {"diarize": True, "chunk_level": "word", "batch_size": 8, "prompt": "Ada", "num_speakers": 2}
    assert arguments(WHISPER, **extra) == {"task": "transcribe", **extra}

    extra = {"chunk_level": "word", "max_segment_len": 10, "merge_chunks": False, "version": "2"}
    assert arguments(WIZPER, **extra) == {"task": "transcribe", "language": None, **extra}


@pytest.mark.parametrize(
    ("endpoint_id", "extra", "hint"),
    [
        (WHISPER, {"diarise": True}, "diarize"),
        (WHISPER, {"speakers": 2}, "num_speakers"),
        (WHISPER, {"zzz": 1}, "It takes batch_size"),
        (WHISPER, {"merge_chunks": True}, "no argument"),
        (WIZPER, {"diarize": True}, "no argument"),
        (WHISPER, {"batch_size": 65}, "batch_size"),
        (WHISPER, {"batch_size": 0}, "batch_size"),
        (WHISPER, {"batch_size": "8"}, "batch_size"),
        (WHISPER, {"batch_size": True}, "batch_size"),
        (WHISPER, {"diarize": "yes"}, "diarize"),
        (WHISPER, {"chunk_level": "words"}, "chunk_level"),
        (WHISPER, {"task": "summarise"}, "task"),
        (WHISPER, {"language": 7}, "language"),
        (WIZPER, {"max_segment_len": 9}, "max_segment_len"),
        (WIZPER, {"max_segment_len": 30}, "max_segment_len"),
        (WHISPER, {"audio_url": "https://x.test"}, "audio_url"),
        (WIZPER, {"audio_url": "https://x.test"}, "audio_url"),
        (OTHER, {"audio_url": "https://x.test"}, "audio_url"),
    ],
)
def test_what_a_model_cannot_take_is_refused_by_name(arguments, endpoint_id, extra, hint):
    with pytest.raises(ConfigurationError, match=hint):
        arguments(endpoint_id, **extra)


def test_unknown_endpoints_take_anything_else(arguments):
    extra = {"diarize": "maybe", "keyterms": ["a"], "nested": {"x": None}}

    assert arguments(OTHER, **extra) == extra


def test_a_recipe_for_no_endpoint_is_refused(arguments):
    with pytest.raises(ConfigurationError, match="owner/app"):
        arguments("whisper")
