"""fal's models, for those that call them."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import SecretStr

from pipeline import SOFTWARE
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings, fal_key
from pipeline.speech.fal.transcriber import FalTranscriber


def open_transcriber(settings: Settings, environment: Mapping[str, str]) -> FalTranscriber:
    """fal's models. Raises `ConfigurationError` when there is no key, or for one that cannot be one."""
    return FalTranscriber(settings.fal, settings.polling, _required_key(environment), SOFTWARE)


def _required_key(environment: Mapping[str, str]) -> SecretStr:
    key = fal_key(environment)
    if key is None:
        raise ConfigurationError(
            "There is no fal key: FAL_KEY is not set. Get one at fal.ai/dashboard/keys and export FAL_KEY, or try "
            "everything without an account: make demo.",
            "no_fal_key",
        )
    return key
