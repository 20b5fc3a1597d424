"""What a model cannot do is refused before anything is paid, with the models that can. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from pipeline.errors import ConfigurationError
from pipeline.models import Abilities, Asked
from pipeline.speech.fal.models.base import KnownModel
from pipeline.speech.fal.models.languages import AUTO

_SHOWN_LANGUAGES = 20


class _Wish(NamedTuple):
    option: str
    act: str
    is_asked: Callable[[Asked], bool]
    is_able: Callable[[Abilities], bool]


_WISHES = (
    _Wish("--translate", "translate", lambda asked: asked.task == "translate", lambda able: able.translates),
    _Wish("--diarize", "tell speakers apart", lambda asked: asked.diarize, lambda able: able.speakers),
    _Wish(
        "--speakers",
        "be told how many people speak",
        lambda asked: asked.speakers is not None,
        lambda able: able.speaker_count,
    ),
    _Wish("--words", "give the times of words", lambda asked: asked.words, lambda able: able.words),
    _Wish("--prompt", "take a prompt", lambda asked: bool(asked.prompt), lambda able: able.prompt),
    _Wish("--keyterms", "take key terms", lambda asked: bool(asked.keyterms), lambda able: able.keyterms),
)
_UNTRANSLATED = frozenset(["--translate"])  # wishes that are passed on to unknown endpoints under their common name


def refuse(endpoint_id: str, asked: Asked, given: Collection[str], models: Mapping[str, KnownModel]) -> None:
    """Raises `ConfigurationError` for the first wish that the model cannot fulfil.

    `given` are the names of arguments that the user has set by --arg. Of an endpoint that is not in `models` nothing is
    known, so that most wishes cannot be put into its words.
    """
    model = models.get(endpoint_id)
    for wish in _WISHES:
        if not wish.is_asked(asked):
            continue
        if model is None and wish.option not in _UNTRANSLATED:
            raise _cannot(
                f"The arguments of {endpoint_id} are not known here, so {wish.option} cannot be put into its words. "
                "Give its own argument with --arg KEY=VALUE, as fal's page of the model has it."
            )
        if model is not None and not wish.is_able(model.abilities):
            able = [name for name, other in models.items() if wish.is_able(other.abilities)]
            raise _cannot(f"{endpoint_id} cannot {wish.act} ({wish.option}). {_hints(wish, model.abilities, able)}")
    if model is not None and not model.abilities.detects_language:
        _refuse_detection(endpoint_id, asked, given, models)


def _refuse_detection(endpoint_id: str, asked: Asked, given: Collection[str], models: Mapping[str, KnownModel]) -> None:
    """A model that would take everything for one language must be told so, or an archive is transcribed in vain."""
    model = models[endpoint_id]
    is_told = asked.language and asked.language.strip().lower() != AUTO
    if is_told or (model.language_name and model.language_name in given):
        return
    codes = model.abilities.languages
    able = [name for name, other in models.items() if other.abilities.detects_language]
    raise _cannot(
        f"{endpoint_id} cannot detect the language. Say what is spoken, with --language or "
        f"recipe.language: {', '.join(codes[:_SHOWN_LANGUAGES])}. Models that detect it: {', '.join(able)}."
    )


def _hints(wish: _Wish, abilities: Abilities, able: Collection[str]) -> str:
    hints = [f"Models that can: {', '.join(able)}."]
    if wish.option == "--keyterms" and abilities.prompt:
        hints.append("It takes --prompt TEXT, in which such words may stand.")
    if abilities.is_known_in_part:
        hints.append("Its schema is known in part: what else it takes can be given with --arg KEY=VALUE.")
    return " ".join(hints)


def _cannot(message: str) -> ConfigurationError:
    return ConfigurationError(message, reason="model_cannot")
