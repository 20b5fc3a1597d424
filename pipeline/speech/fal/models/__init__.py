"""What each model takes and gives: a `Model` per endpoint that is known, and one that passes all else through."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.speech.fal.models.base import Model
from pipeline.speech.fal.models.passthrough import PassThrough
from pipeline.speech.fal.models.whisper import Whisper
from pipeline.speech.fal.models.wizper import Wizper

KNOWN_MODELS: Mapping[str, Model] = {"fal-ai/whisper": Whisper(), "fal-ai/wizper": Wizper()}
_OTHER = PassThrough()


def model_for(endpoint_id: str) -> Model:
    """The model behind an endpoint id; every unknown endpoint is passed through."""
    return KNOWN_MODELS.get(endpoint_id, _OTHER)
