"""Model: how one family of endpoints is asked, and how its answers are read. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from pydantic import JsonValue

from pipeline.models import Asked, Transcript


class Model(ABC):
    """The arguments that a model takes, and the transcript in its answer."""

    @abstractmethod
    def arguments(self, endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The canonical arguments: what differs from fal's documented defaults, and what must be said anyway.

        `extra` wins over what is asked. Raises `ConfigurationError` for what the model cannot do.
        """

    @abstractmethod
    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """What these arguments ask for. Never raises."""

    @abstractmethod
    def transcript(self, raw: JsonValue, arguments: Mapping[str, JsonValue]) -> Transcript:
        """Reads an answer to these arguments. Never raises: whatever is missing or bent is mended and named."""
