"""Checks the arguments of a known model, so that a mistyped --arg costs a message and not an archive of requests."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from pipeline.errors import ConfigurationError

AUDIO_URL = "audio_url"


class Arguments(BaseModel):
    """The base of all argument records: closed, and strict, so that "64" is no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class OpenArguments(Arguments):
    """The arguments of a model whose schema is known in part: what is known is checked, all else is passed on."""

    model_config = ConfigDict(extra="allow")


A = TypeVar("A", bound=Arguments)


def refuse_audio_url(extra: Mapping[str, JsonValue]) -> None:
    """Raises `ConfigurationError` when the user sets the one argument that each job sets for itself."""
    if AUDIO_URL in extra:
        raise ConfigurationError(
            "audio_url cannot be given with --arg: every job sets its own. Leave it out.", reason="bad_argument"
        )


def checked(kind: type[A], endpoint_id: str, given: Mapping[str, JsonValue]) -> A:
    """The validated arguments of a model. Raises `ConfigurationError`."""
    for name in given:
        if name not in kind.model_fields and kind.model_config.get("extra") == "forbid":
            near = get_close_matches(name, kind.model_fields, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"It takes {', '.join(sorted(kind.model_fields))}."
            raise ConfigurationError(f"{endpoint_id} has no argument {name!r}. {hint}", reason="bad_argument")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors(include_input=False)
        )
        raise ConfigurationError(
            f"{endpoint_id} does not take these arguments: {problems}. Check them, and --arg.", reason="bad_argument"
        ) from None
