"""What each model takes and gives: a `Model` per endpoint that is known, and one that passes all else through."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from pipeline.models import Asked, Recipe
from pipeline.speech.fal.endpoints import check_endpoint_id
from pipeline.speech.fal.models.base import Model
from pipeline.speech.fal.models.passthrough import PassThrough
from pipeline.speech.fal.models.whisper import Whisper
from pipeline.speech.fal.models.wizper import Wizper

KNOWN_MODELS: Mapping[str, Model] = {"fal-ai/whisper": Whisper(), "fal-ai/wizper": Wizper()}
_OTHER = PassThrough()


def model_for(endpoint_id: str) -> Model:
    """The model behind an endpoint id; every unknown endpoint is passed through."""
    return KNOWN_MODELS.get(endpoint_id, _OTHER)


def make_recipe(endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> Recipe:
    """Makes and validates a recipe, without any key; see `Transcriber.recipe`. Equal wishes give equal recipes."""
    check_endpoint_id(endpoint_id)
    arguments = model_for(endpoint_id).arguments(endpoint_id, asked, extra)
    return Recipe(endpoint_id=endpoint_id, arguments=arguments)
