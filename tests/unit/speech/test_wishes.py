"""One vocabulary for all models: what is asked becomes each model's own arguments, or is refused before it is paid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.models import Asked
from pipeline.speech.fal.models import KNOWN_MODELS, model_for
from pipeline.wiring.recipes import KNOWN_ABILITIES, make_recipe, unknown_arguments

WHISPER, WIZPER, OTHER = "fal-ai/whisper", "fal-ai/wizper", "acme/ears/v2"
CANARY, TURBO = "fal-ai/speech-to-text", "fal-ai/speech-to-text/turbo"
SCRIBE, SCRIBE_V2 = "fal-ai/elevenlabs/speech-to-text", "fal-ai/elevenlabs/speech-to-text/scribe-v2"
COHERE, NEMOTRON = "fal-ai/cohere-transcribe", "fal-ai/nemotron/asr"
MULTILINGUAL, XAI = "nvidia/nemotron-asr-multilingual/asr", "xai/speech-to-text/v1"
AUTO = Asked(language="auto", task="transcribe")


def spoken(language, **asked):
    return Asked(language=language, task="transcribe", **asked)


@pytest.mark.parametrize(
    ("endpoint_id", "asked", "expected"),
    [
        (WHISPER, spoken("auto", words=True), {"task": "transcribe", "chunk_level": "word"}),
        (WHISPER, spoken("auto", diarize=True), {"task": "transcribe", "diarize": True}),
        (WHISPER, spoken("auto", speakers=3), {"task": "transcribe", "diarize": True, "num_speakers": 3}),
        (WHISPER, spoken("de", prompt="Ada"), {"task": "transcribe", "language": "de", "prompt": "Ada"}),
        (CANARY, spoken("en"), {}),
        (TURBO, spoken("eng"), {}),
        (NEMOTRON, spoken("en"), {}),
        (SCRIBE, AUTO, {"diarize": False}),
        (SCRIBE, spoken("auto", words=True, diarize=True), {"diarize": True}),
        (SCRIBE, spoken("de"), {"diarize": False, "language_code": "deu"}),
        (SCRIBE, spoken("deu"), {"diarize": False, "language_code": "deu"}),
        (SCRIBE, spoken("ger"), {"diarize": False, "language_code": "deu"}),
        (SCRIBE, spoken("yue"), {"diarize": False, "language_code": "yue"}),
        (SCRIBE, spoken("tl"), {"diarize": False, "language_code": "fil"}),
        (SCRIBE_V2, spoken("auto", keyterms=("Ada", "Lovelace")), {"diarize": False, "keyterms": ["Ada", "Lovelace"]}),
        (COHERE, spoken("de"), {"language": "de"}),
        (COHERE, spoken("en"), {"language": "en"}),
        (COHERE, spoken("jpn"), {"language": "ja"}),
        (MULTILINGUAL, AUTO, {}),
        (MULTILINGUAL, spoken("en"), {"language": "en-US"}),
        (MULTILINGUAL, spoken("en-gb"), {"language": "en-GB"}),
        (MULTILINGUAL, spoken("es"), {"language": "es-US"}),
        (MULTILINGUAL, spoken("fra"), {"language": "fr-FR"}),
        (MULTILINGUAL, spoken("pt"), {"language": "pt-BR"}),
        (MULTILINGUAL, spoken("no"), {"language": "nb-NO"}),
        (MULTILINGUAL, spoken("nn"), {"language": "nn-NO"}),
        (XAI, AUTO, {}),
        (XAI, spoken("de", diarize=True), {"language": "de", "diarize": True}),
        (XAI, spoken("tl"), {"language": "fil"}),
    ],
)
def test_a_wish_becomes_the_models_own_words(endpoint_id, asked, expected):
    assert make_recipe(endpoint_id, asked, {}).arguments == expected


@pytest.mark.parametrize("endpoint_id", [CANARY, TURBO, NEMOTRON, COHERE])
@pytest.mark.parametrize("language", ["auto", None])
def test_who_cannot_detect_the_language_must_be_told(endpoint_id, language):
    """Else the model would take a German archive for English, and be paid for it."""
    with pytest.raises(ConfigurationError, match=r"cannot detect the language.*--language") as caught:
        make_recipe(endpoint_id, spoken(language), {})
    assert caught.value.reason == "model_cannot"


def test_the_language_may_also_be_told_in_the_models_own_word():
    assert make_recipe(COHERE, AUTO, {"language": "fr"}).arguments == {"language": "fr"}


ASKED_BY = {
    "translates": Asked(language="en", task="translate"),
    "words": Asked(language="en", words=True),
    "speakers": Asked(language="en", diarize=True),
    "speaker_count": Asked(language="en", diarize=True, speakers=2),
    "prompt": Asked(language="en", prompt="Ada"),
    "keyterms": Asked(language="en", keyterms=("Ada",)),
}


@pytest.mark.parametrize("ability", ASKED_BY)
@pytest.mark.parametrize("endpoint_id", KNOWN_MODELS)
def test_what_a_model_cannot_do_is_refused_with_those_that_can(endpoint_id, ability):
    able = [name for name, abilities in KNOWN_ABILITIES.items() if getattr(abilities, ability)]
    assert able, "somebody can, or the option would be in vain"

    if endpoint_id in able:
        assert make_recipe(endpoint_id, ASKED_BY[ability], {})
        return
    with pytest.raises(ConfigurationError) as caught:
        make_recipe(endpoint_id, ASKED_BY[ability], {})
    assert caught.value.reason == "model_cannot"
    hints = caught.value.message.partition("Models that can:")[2]
    assert ability == "speaker_count" or all(name in hints for name in able)


def test_key_terms_are_refused_where_only_a_prompt_is_taken():
    with pytest.raises(ConfigurationError, match="--prompt TEXT"):
        make_recipe(WHISPER, ASKED_BY["keyterms"], {})


@pytest.mark.parametrize("ability", ["words", "speakers", "speaker_count", "prompt", "keyterms"])
def test_a_wish_for_an_unknown_model_is_refused_with_the_advice_to_use_arg(ability):
    with pytest.raises(ConfigurationError, match=r"not known here.*--arg") as caught:
        make_recipe(OTHER, ASKED_BY[ability], {})
    assert caught.value.reason == "model_cannot"


@pytest.mark.parametrize(
    ("endpoint_id", "extra", "hint"),
    [
        (SCRIBE, {"language": "deu"}, "language_code"),
        (SCRIBE, {"keyterms": ["Ada"]}, "no argument"),
        (SCRIBE_V2, {"keyterms": ["x" * 51]}, "keyterms"),
        (SCRIBE_V2, {"keyterms": ["x"] * 101}, "keyterms"),
        (SCRIBE_V2, {"keyterms": "Ada"}, "keyterms"),
        (SCRIBE, {"language_code": "german"}, "mean deu"),
        (COHERE, {"language": "sv"}, "no language"),
        (COHERE, {"language": "en", "max_new_tokens": 1025}, "max_new_tokens"),
        (CANARY, {"use_pnc": "yes"}, "use_pnc"),
        (CANARY, {"language": "en"}, "no argument"),
        (NEMOTRON, {"acceleration": "full"}, "acceleration"),
        (MULTILINGUAL, {"acceleration": "medium"}, "acceleration"),
        (MULTILINGUAL, {"language": "zh-TW"}, "zh-CN"),
        (XAI, {"diarize": "yes"}, "diarize"),
        (XAI, {"language": "haw"}, "no language"),
        (XAI, {"audio_url": "https://x.test"}, "audio_url"),
    ],
)
def test_bent_arguments_of_the_newer_models_are_refused_by_name(endpoint_id, extra, hint):
    with pytest.raises(ConfigurationError, match=hint):
        make_recipe(endpoint_id, Asked(language="en"), extra)


def test_an_english_model_refuses_another_language():
    with pytest.raises(ConfigurationError, match="no language 'de'") as caught:
        make_recipe(CANARY, spoken("de"), {})
    assert caught.value.reason == "bad_language"


def test_what_is_outside_a_schema_that_is_known_in_part_is_passed_on_and_named():
    recipe = make_recipe(XAI, AUTO, {"multichannel": True, "diarize": True})

    assert recipe.arguments == {"multichannel": True, "diarize": True}
    assert unknown_arguments(recipe) == ("multichannel",)
    assert unknown_arguments(make_recipe(MULTILINGUAL, AUTO, {"acceleration": "none"})) == ()
    assert unknown_arguments(make_recipe(OTHER, AUTO, {"anything": 1})) == ()


MEANT = {
    WHISPER: Asked(language="de", task="translate", diarize=True, speakers=2, words=True, prompt="Ada"),
    WIZPER: Asked(language="de", task="translate"),
    CANARY: Asked(language="en"),
    TURBO: Asked(language="en"),
    NEMOTRON: Asked(language="en"),
    SCRIBE: Asked(language="de", diarize=True),
    SCRIBE_V2: Asked(language="de", diarize=True, keyterms=("Ada", "Lovelace")),
    COHERE: Asked(language="de"),
    MULTILINGUAL: Asked(language="de"),
    XAI: Asked(language="de", diarize=True),
    OTHER: Asked(language="de", task="translate"),
}


@pytest.mark.parametrize("endpoint_id", [*KNOWN_MODELS, OTHER])
def test_what_was_asked_can_be_read_back_from_a_recipe(endpoint_id):
    """The lint asks whether what was asked for came; a retry with another model asks the same again."""
    asked = MEANT[endpoint_id]

    assert model_for(endpoint_id).asked(make_recipe(endpoint_id, asked, {}).arguments) == asked


@pytest.mark.parametrize("endpoint_id", [WHISPER, WIZPER, SCRIBE, SCRIBE_V2, MULTILINGUAL, XAI, OTHER])
def test_who_asks_for_nothing_is_read_back_as_asking_for_nothing(endpoint_id):
    assert model_for(endpoint_id).asked(make_recipe(endpoint_id, AUTO, {}).arguments) == Asked()


@given(
    st.sampled_from([*KNOWN_MODELS, OTHER]),
    st.dictionaries(
        st.sampled_from(
            ["language", "language_code", "task", "diarize", "num_speakers", "chunk_level", "prompt", "keyterms"]
        ),
        st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.text(max_size=3) | st.none()),
    ),
)
def test_arguments_of_any_shape_can_be_read_back(endpoint_id, arguments):
    """Sidecars and jobs of other versions hold other recipes."""
    assert model_for(endpoint_id).asked(arguments)


@pytest.mark.parametrize("endpoint_id", KNOWN_MODELS)
def test_every_language_of_a_model_can_be_asked_for_in_its_own_code(endpoint_id):
    model = KNOWN_MODELS[endpoint_id]
    for code in model.abilities.languages:
        recipe = make_recipe(endpoint_id, Asked(language=code), {})
        assert model.language_name is None or recipe.arguments[model.language_name] == code
