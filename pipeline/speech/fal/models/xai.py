"""xai/speech-to-text/v1 (docs/fal.md section 14.9)."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from pipeline.models import Abilities, Asked
from pipeline.speech.fal.models.arguments import OpenArguments
from pipeline.speech.fal.models.base import KnownModel, told_language
from pipeline.speech.fal.models.languages import listed


class XaiArguments(OpenArguments):
    """What is known of its input schema. The language `auto` is its default, and is left out."""

    language: str | None = None
    diarize: bool = False
    format: bool | None = None  # its default is not known, so that saying either is saying something


class Xai(KnownModel):
    """Always gives words; speakers when asked. The name of its option for several channels is not known."""

    kind = XaiArguments
    abilities = Abilities(
        languages=listed("ar cs da de en es fa fil fr hi id it ja ko mk ms nl pl pt ro ru sv th tr vi"),
        detects_language=True,
        timestamps=True,
        words=True,
        speakers=True,
        is_known_in_part=True,
        listed_usd_per_hour=0.10,
        price_note="each recording rounded up to full minutes",
        formats=("mp3", "wav", "ogg", "opus", "flac", "aac", "mp4", "m4a", "mkv"),
        notes=("The audio goes to xAI.", "It may not tell the language that it heard."),
    )

    def wishes(self, asked: Asked) -> dict[str, JsonValue]:
        """Words come without asking."""
        return {"diarize": asked.diarize}

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """Language and speakers."""
        return Asked(language=told_language(arguments), diarize=arguments.get("diarize") is True)
