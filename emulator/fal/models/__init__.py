"""The speech models that are emulated: one class for each endpoint, one file for each family."""

from typing import Any

from pydantic import ValidationError

from emulator.fal.models.base import Arguments, Output
from emulator.fal.models.canary import CanaryArguments
from emulator.fal.models.cohere import CohereArguments
from emulator.fal.models.nemotron import NemotronArguments, NemotronMultilingualArguments
from emulator.fal.models.scribe import ScribeArguments, ScribeV2Arguments
from emulator.fal.models.whisper import WhisperArguments
from emulator.fal.models.wizper import WizperArguments
from emulator.fal.models.xai import XaiArguments

__all__ = ["ENDPOINTS", "Arguments", "InvalidArgumentsError", "Output", "exists", "model_of", "read_arguments"]

ENDPOINTS: dict[str, type[Arguments]] = {
    "fal-ai/whisper": WhisperArguments,
    "fal-ai/wizper": WizperArguments,
    "fal-ai/speech-to-text": CanaryArguments,
    "fal-ai/speech-to-text/turbo": CanaryArguments,
    "fal-ai/elevenlabs/speech-to-text": ScribeArguments,
    "fal-ai/elevenlabs/speech-to-text/scribe-v2": ScribeV2Arguments,
    "fal-ai/cohere-transcribe": CohereArguments,
    "fal-ai/nemotron/asr": NemotronArguments,
    "nvidia/nemotron-asr-multilingual/asr": NemotronMultilingualArguments,
    "xai/speech-to-text/v1": XaiArguments,
}
_OWNERS = frozenset(endpoint_id.partition("/")[0] for endpoint_id in ENDPOINTS)


class InvalidArgumentsError(Exception):
    """The arguments break the endpoint's schema; `errors` are entries for a 422 detail list."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors)
        self.errors = errors


def exists(endpoint_id: str, *, any_endpoint: bool) -> bool:
    """Whether there is such an endpoint. Of the owners above all are known; `any_endpoint` lets others have some."""
    owner, _, app = endpoint_id.partition("/")
    return endpoint_id in ENDPOINTS or (any_endpoint and bool(app) and owner not in _OWNERS)


def model_of(endpoint_id: str) -> type[Arguments]:
    """The model behind an endpoint; one that is not known is taken for whisper."""
    return ENDPOINTS.get(endpoint_id, WhisperArguments)


def read_arguments(endpoint_id: str, body: Any) -> Arguments:
    """Validates a submitted body for its endpoint. Raises InvalidArgumentsError."""
    try:
        return model_of(endpoint_id).model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise InvalidArgumentsError([{**entry, "loc": ["body", *entry["loc"]]} for entry in found]) from error
