"""What each model takes and gives: a `Model` per endpoint that is known, and one that passes all else through."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from pipeline.models import Asked, Recipe
from pipeline.speech.fal.endpoints import check_endpoint_id
from pipeline.speech.fal.models.base import KnownModel, Model
from pipeline.speech.fal.models.cohere import Cohere
from pipeline.speech.fal.models.passthrough import PassThrough
from pipeline.speech.fal.models.plain import Canary, Nemotron, NemotronMultilingual
from pipeline.speech.fal.models.refusals import refuse
from pipeline.speech.fal.models.scribe import Scribe, ScribeV2
from pipeline.speech.fal.models.whisper import Whisper
from pipeline.speech.fal.models.wizper import Wizper
from pipeline.speech.fal.models.xai import Xai

KNOWN_MODELS: Mapping[str, KnownModel] = {
    "fal-ai/whisper": Whisper(),
    "fal-ai/wizper": Wizper(),
    "fal-ai/speech-to-text": Canary(),
    "fal-ai/speech-to-text/turbo": Canary(),
    "fal-ai/elevenlabs/speech-to-text": Scribe(),
    "fal-ai/elevenlabs/speech-to-text/scribe-v2": ScribeV2(),
    "fal-ai/cohere-transcribe": Cohere(),
    "fal-ai/nemotron/asr": Nemotron(),
    "nvidia/nemotron-asr-multilingual/asr": NemotronMultilingual(),
    "xai/speech-to-text/v1": Xai(),
}
_OTHER = PassThrough()


def model_for(endpoint_id: str) -> Model:
    """The model behind an endpoint id; every unknown endpoint is passed through."""
    return KNOWN_MODELS.get(endpoint_id, _OTHER)


def make_recipe(endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> Recipe:
    """Makes and validates a recipe, without any key; see `Transcriber.recipe`. Equal wishes give equal recipes."""
    check_endpoint_id(endpoint_id)
    refuse(endpoint_id, asked, extra.keys(), KNOWN_MODELS)
    arguments = model_for(endpoint_id).arguments(endpoint_id, asked, extra)
    return Recipe(endpoint_id=endpoint_id, arguments=arguments)


def unknown_arguments(recipe: Recipe) -> tuple[str, ...]:
    """Those arguments of a recipe that are outside what is known of its model's schema, and were passed on.

    Only a schema that is known in part has any: others refuse them. Of an endpoint that is not known at all, nothing is
    said: there all arguments are the user's.
    """
    model = KNOWN_MODELS.get(recipe.endpoint_id)
    return model.unknown(recipe.arguments) if model else ()
