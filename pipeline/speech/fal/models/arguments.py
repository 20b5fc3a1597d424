"""Checks the arguments of a known model, so that a mistyped --arg costs a message and not an archive of requests."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from pipeline.errors import ConfigurationError
from pipeline.models import Asked
from pipeline.speech.fal.models.languages import language_code

AUDIO_URL = "audio_url"


class Arguments(BaseModel):
    """The base of all argument records: closed, and strict, so that "64" is no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


A = TypeVar("A", bound=Arguments)


def refuse_audio_url(extra: Mapping[str, JsonValue]) -> None:
    """Raises `ConfigurationError` when the user sets the one argument that each job sets for itself."""
    if AUDIO_URL in extra:
        raise ConfigurationError(
            "audio_url cannot be given with --arg: every job sets its own. Leave it out.", reason="bad_argument"
        )


def asked_of(arguments: Mapping[str, JsonValue]) -> Asked:
    """What arguments under their most common names ask for."""
    language, task = arguments.get("language"), arguments.get("task")
    return Asked(
        language=language if isinstance(language, str) else None,
        task="translate" if task == "translate" else None,
        diarize=arguments.get("diarize") is True,
        words=arguments.get("chunk_level") == "word",
    )


def check_arguments(kind: type[A], endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> A:
    """The validated arguments of a model that speaks Whisper's languages. Raises `ConfigurationError`."""
    refuse_audio_url(extra)
    given: dict[str, JsonValue] = {"language": asked.language, "task": asked.task or "transcribe", **extra}
    for name in given:
        if name not in kind.model_fields:
            near = get_close_matches(name, kind.model_fields, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"It takes {', '.join(sorted(kind.model_fields))}."
            raise ConfigurationError(f"{endpoint_id} has no argument {name!r}. {hint}", reason="bad_argument")
    if isinstance(given["language"], str):
        given["language"] = language_code(given["language"])
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors(include_input=False)
        )
        raise ConfigurationError(
            f"{endpoint_id} does not take these arguments: {problems}. Check --arg, --language and --task.",
            reason="bad_argument",
        ) from None
