"""Recipes: what a user may ask of each model, and the arguments that come of it."""

from __future__ import annotations

import pytest

from pipeline.errors import ConfigurationError
from pipeline.models import Asked
from pipeline.speech.fal.models.languages import LANGUAGES
from pipeline.wiring.recipes import make_recipe

WHISPER, WIZPER, OTHER = "fal-ai/whisper", "fal-ai/wizper", "acme/ears/v2"


def arguments(endpoint_id, language=None, task=None, /, **extra):
    """The arguments of the recipe for some wishes."""
    return make_recipe(endpoint_id, Asked(language=language, task=task), extra).arguments


@pytest.mark.parametrize(
    ("endpoint_id", "asked", "extra", "expected"),
    [
        (WHISPER, Asked(language="auto", task="transcribe"), {}, "73b0b7a811231ae3"),
        (WHISPER, Asked(language="de"), {}, "a69b72f3f2255553"),
        (WHISPER, Asked(language="auto", task="translate"), {}, "86203d85827e98d9"),
        (WHISPER, Asked(language="auto"), {"chunk_level": "word"}, "fe6dc0d06fe64370"),
        (
            WHISPER,
            Asked(),
            {"diarize": True, "num_speakers": 2, "prompt": "Ada", "batch_size": 8, "chunk_level": "word"},
            "1f548d21433fd467",
        ),
        (WIZPER, Asked(language="auto", task="transcribe"), {}, "dc307f47a21a1e40"),
        (WIZPER, Asked(language="de"), {}, "d7b162bf9279671c"),
        (WIZPER, Asked(language="auto", task="translate"), {}, "2391ca80159b2f4c"),
        (WIZPER, Asked(language="auto"), {"chunk_level": "word"}, "996635bb7445e42e"),
    ],
)
def test_recipes_keep_their_hashes_for_ever(endpoint_id, asked, extra, expected):
    """Literal hashes, from the first releases: with another one, a whole archive would be transcribed and paid anew."""
    assert make_recipe(endpoint_id, asked, extra).hash == expected


def test_wishes_and_the_arguments_behind_them_are_one_recipe():
    asked = Asked(diarize=True, speakers=2, words=True, prompt="Ada")
    spelt = {"diarize": True, "num_speakers": 2, "chunk_level": "word", "prompt": "Ada"}

    assert make_recipe(WHISPER, asked, {}).hash == make_recipe(WHISPER, Asked(), spelt).hash


@pytest.mark.parametrize(
    ("endpoint_id", "language", "expected"),
    [
        (WHISPER, "auto", {"task": "transcribe"}),
        (WHISPER, None, {"task": "transcribe"}),
        (WHISPER, "DE", {"task": "transcribe", "language": "de"}),
        (WHISPER, "deu", {"task": "transcribe", "language": "de"}),
        (WHISPER, "ger", {"task": "transcribe", "language": "de"}),
        (WHISPER, "jv", {"task": "transcribe", "language": "jw"}),
        (WHISPER, "nb", {"task": "transcribe", "language": "no"}),
        (WIZPER, "auto", {"task": "transcribe", "language": None}),
        (WIZPER, None, {"task": "transcribe", "language": None}),
        (WIZPER, "en", {"task": "transcribe", "language": "en"}),
        (OTHER, "auto", {}),
        (OTHER, None, {}),
        (OTHER, "pt-BR", {"language": "pt-BR"}),
    ],
)
def test_auto_means_auto_for_every_model(endpoint_id, language, expected):
    """Whisper knows no "auto", and wizper takes silence about the language for English."""
    assert arguments(endpoint_id, language) == expected


def test_all_99_languages_are_known():
    assert len(LANGUAGES) == 99
    assert all(arguments(WHISPER, code)["language"] == code for code in LANGUAGES)


@pytest.mark.parametrize(
    ("language", "hint"),
    [("de-DE", "mean de"), ("german", "mean de"), ("zh-TW", "mean zh"), ("xx", "such as"), ("haww", "haw")],
)
@pytest.mark.parametrize("endpoint_id", [WHISPER, WIZPER])
def test_an_unknown_language_is_refused_with_a_hint(endpoint_id, language, hint):
    with pytest.raises(ConfigurationError, match=hint) as caught:
        arguments(endpoint_id, language)
    assert caught.value.reason == "bad_language"


def test_a_task_is_passed_on():
    assert arguments(WHISPER, None, "translate") == {"task": "translate"}
    assert arguments(OTHER, None, "translate") == {"task": "translate"}
    assert arguments(OTHER, None, "transcribe") == {}


def test_extra_arguments_win_over_language_and_task():
    assert arguments(WHISPER, "de", "transcribe", language="fr", task="translate") == {
        "task": "translate",
        "language": "fr",
    }
    assert arguments(OTHER, "de", language="fr") == {"language": "fr"}
    assert arguments(WHISPER, "de", language=None) == {"task": "transcribe"}


def test_saying_a_default_aloud_gives_the_same_recipe():
    plain = make_recipe(WHISPER, Asked(language="auto"), {})
    spoken = make_recipe(WHISPER, Asked(task="transcribe"), {"chunk_level": "segment", "diarize": False, "prompt": ""})

    assert plain.hash == spoken.hash


def test_whatever_differs_from_the_defaults_is_in_the_recipe():
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
def test_what_a_model_cannot_take_is_refused_by_name(endpoint_id, extra, hint):
    with pytest.raises(ConfigurationError, match=hint):
        arguments(endpoint_id, **extra)


def test_unknown_endpoints_take_anything_else():
    extra = {"diarize": "maybe", "keyterms": ["a"], "nested": {"x": None}}

    assert arguments(OTHER, **extra) == extra


def test_a_recipe_for_no_endpoint_is_refused():
    with pytest.raises(ConfigurationError, match="owner/app"):
        arguments("whisper")
