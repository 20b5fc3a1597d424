"""fal-ai/wizper (docs/fal.md section 14.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from pipeline.models import Abilities, Asked
from pipeline.speech.fal.models.arguments import Arguments
from pipeline.speech.fal.models.base import KnownModel, told_language
from pipeline.speech.fal.models.languages import LANGUAGES


class WizperArguments(Arguments):
    """The input schema without `audio_url`; defaults as documented, except that `language` means auto here."""

    task: Literal["transcribe", "translate"] = "transcribe"
    language: str | None = None
    chunk_level: str = "segment"
    max_segment_len: int = Field(default=29, ge=10, le=29)
    merge_chunks: bool = True
    version: str = "3"


class Wizper(KnownModel):
    """Takes speech for English when `language` is absent, so that auto must be asked for with a null."""

    kind = WizperArguments
    always_said = ("task", "language")
    regions: ClassVar[Mapping[str, str]] = {"nb": "no"}
    abilities = Abilities(
        languages=LANGUAGES,
        detects_language=True,
        translates=True,
        timestamps=True,
        price_note="fal's page shows a placeholder of 0 per compute second; trackers saw about 0.03 USD per audio hour",
        longest="19 minutes are known to work",
        notes=(
            "Experimental, by fal's own word.",
            "Near silence it has answered phrases like 'Thank you.'",
            "--arg chunk_level=word is passed on, but nobody has seen it give words.",
        ),
    )

    def wishes(self, asked: Asked) -> dict[str, JsonValue]:
        """The task; it can do nothing else."""
        return {"task": asked.task or "transcribe"}

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """Language and task, and words where --arg has tried for them."""
        return Asked(
            language=told_language(arguments),
            task="translate" if arguments.get("task") == "translate" else None,
            words=arguments.get("chunk_level") == "word",
        )
