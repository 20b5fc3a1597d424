"""fal-ai/elevenlabs/speech-to-text, ElevenLabs' Scribe v1, and /scribe-v2 (docs/fal.md sections 14.6 and 14.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, JsonValue, StringConstraints

from pipeline.errors import ConfigurationError
from pipeline.models import Abilities, Asked
from pipeline.speech.fal.iso639 import iso_code, three_letters
from pipeline.speech.fal.models.arguments import Arguments
from pipeline.speech.fal.models.base import KnownModel, told_language
from pipeline.speech.fal.models.languages import AUTO

_LISTED_OTHERWISE = {"tl": "fil", "nb": "nor"}  # by ElevenLabs
_WITHOUT_TWO_LETTERS = frozenset(["ast", "ceb", "kea", "luo", "nso", "umb", "yue"])


class ScribeArguments(Arguments):
    """The input schema without `audio_url`; defaults as documented. Speakers are told apart by default."""

    language_code: str | None = None
    tag_audio_events: bool = True
    diarize: bool = True


class ScribeV2Arguments(ScribeArguments):
    """As v1, and key terms."""

    keyterms: list[Annotated[str, StringConstraints(min_length=1, max_length=50)]] = Field(default=[], max_length=100)


class Scribe(KnownModel):
    """Scribe v1. Whether speakers are told apart is always said: its default is not ours."""

    kind: ClassVar[type[Arguments]] = ScribeArguments
    always_said = ("diarize",)
    language_name = "language_code"
    abilities = Abilities(
        languages_note="90 or more by ElevenLabs' own list, which fal does not repeat; codes of ISO 639",
        detects_language=True,
        timestamps=True,
        words=True,
        speakers=True,
        listed_usd_per_hour=1.80,
        notes=(
            "The audio goes to ElevenLabs.",
            "Sounds such as (laughter) stand in the text; --arg tag_audio_events=false leaves them out.",
        ),
    )

    def wishes(self, asked: Asked) -> dict[str, JsonValue]:
        """Words come without asking."""
        return {
            "diarize": asked.diarize,
            **({"keyterms": list(asked.keyterms)} if asked.keyterms else {}),
        }

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """Everything that `wishes` says."""
        terms = arguments.get("keyterms")
        return Asked(
            language=told_language(arguments, "language_code"),
            diarize=arguments.get("diarize") is not False,
            keyterms=tuple(term for term in terms if isinstance(term, str)) if isinstance(terms, list) else (),
        )

    def own_code(self, endpoint_id: str, language: str) -> str | None:
        """Three letters, as fal's page has them, for two or three. Raises `ConfigurationError`."""
        given = language.strip().lower()
        if given == AUTO:
            return None
        code = iso_code(given)
        own = _LISTED_OTHERWISE.get(code) or three_letters(code)
        if len(given) in {2, 3} and own:
            return own
        if given in _WITHOUT_TWO_LETTERS:
            return given
        hint = f"Did you mean {own}?" if own else "Give a code of ISO 639, such as de or deu."
        raise ConfigurationError(f"{endpoint_id} knows no language {language[:40]!r}. {hint}", reason="bad_language")


class ScribeV2(Scribe):
    """Scribe v2."""

    kind = ScribeV2Arguments
    abilities = Scribe.abilities.model_copy(
        update={
            "keyterms": True,
            "listed_usd_per_hour": 0.48,
            "price_note": "30 % more with key terms",
            "longest": "20 minutes per request, as one user says; ElevenLabs itself takes 10 hours",
        }
    )
