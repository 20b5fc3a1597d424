"""fal-ai/cohere-transcribe (docs/fal.md section 14.8)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, JsonValue

from pipeline.models import Abilities, Asked
from pipeline.speech.fal.models.arguments import Arguments
from pipeline.speech.fal.models.base import KnownModel, told_language
from pipeline.speech.fal.models.languages import listed


class CohereArguments(Arguments):
    """The input schema without `audio_url`. fal takes English for granted; here the language must be given."""

    language: str
    punctuation: bool = True
    max_new_tokens: int = Field(default=256, ge=1, le=1024)


class Cohere(KnownModel):
    """Cannot detect the language."""

    kind = CohereArguments
    always_said = ("language",)
    abilities = Abilities(
        languages=listed("en fr de it es pt el nl pl zh ja ko vi ar"),
        listed_usd_per_hour=0.25,
        formats=("mp3", "mp4", "mpeg", "mpga", "m4a", "wav", "webm", "ogg", "flac"),
        notes=(
            "It answers a text without times, so there are no segments, and no subtitles.",
            "Dense speech may be cut short; --arg max_new_tokens=1024 leaves it more room.",
        ),
    )

    def wishes(self, asked: Asked) -> dict[str, JsonValue]:  # noqa: ARG002  the interface's
        """None beside the language."""
        return {}

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """The language."""
        return Asked(language=told_language(arguments))
