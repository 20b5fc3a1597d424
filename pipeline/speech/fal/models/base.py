"""Model: how one endpoint is asked, and how its answers are read. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from pydantic import JsonValue

from pipeline.models import Abilities, Asked, Transcript
from pipeline.speech.fal.iso639 import iso_code
from pipeline.speech.fal.models.arguments import Arguments, checked, refuse_audio_url
from pipeline.speech.fal.models.languages import own_code
from pipeline.speech.fal.normalise import read_transcript


class Model(ABC):
    """The arguments that an endpoint takes, and the transcript in its answer."""

    @abstractmethod
    def arguments(self, endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The canonical arguments: what differs from fal's documented defaults, and what must be said anyway.

        `extra` wins over what is asked. Raises `ConfigurationError` for arguments that the model does not take; what it
        cannot do at all has been refused before (`refusals.py`).
        """

    @abstractmethod
    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """What these arguments ask for; languages by ISO 639. Never raises."""

    def transcript(self, raw: JsonValue, arguments: Mapping[str, JsonValue]) -> Transcript:
        """Reads an answer to these arguments. Never raises: whatever is missing or bent is mended and named."""
        return read_transcript(raw, arguments)


class KnownModel(Model):
    """A model whose arguments are documented, wholly or in part."""

    abilities: ClassVar[Abilities]
    kind: ClassVar[type[Arguments]]
    always_said: ClassVar[tuple[str, ...]] = ()
    """Arguments that stand in every recipe, also when they are the model's defaults."""
    language_name: ClassVar[str | None] = "language"
    """The argument that takes the language; None: there is none."""
    regions: ClassVar[Mapping[str, str]] = {}
    """The model's codes for languages that its list alone does not decide."""

    @abstractmethod
    def wishes(self, asked: Asked) -> dict[str, JsonValue]:
        """What is asked, in the model's own words, without the language."""

    def arguments(self, endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """See `Model.arguments`."""
        refuse_audio_url(extra)
        given: dict[str, JsonValue] = {**self.wishes(asked), **extra}
        if self.language_name:
            spoken = extra.get(self.language_name, asked.language)
            given[self.language_name] = self.own_code(endpoint_id, spoken) if isinstance(spoken, str) else spoken
        elif asked.language:
            self.own_code(endpoint_id, asked.language)
        said = checked(self.kind, endpoint_id, given)
        everything = said.model_dump(include=set(self.always_said))
        return {**{name: everything[name] for name in self.always_said}, **said.model_dump(exclude_defaults=True)}

    def own_code(self, endpoint_id: str, language: str) -> str | None:
        """The model's code for a language, None to have it detected. Raises `ConfigurationError`."""
        return own_code(endpoint_id, language, self.abilities.languages, self.regions)

    def unknown(self, arguments: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """The arguments that are not in the part of its schema that is known."""
        return tuple(sorted(set(arguments) - set(self.kind.model_fields)))


def told_language(arguments: Mapping[str, JsonValue], name: str = "language") -> str | None:
    """The language that the arguments name, by ISO 639; None when it is left to the model."""
    value = arguments.get(name)
    return iso_code(value) if isinstance(value, str) and value.strip().lower() not in {"", "auto"} else None
