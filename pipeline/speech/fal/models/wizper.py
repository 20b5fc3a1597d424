"""fal-ai/wizper: its arguments and its answers (docs/fal.md section 14.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, JsonValue

from pipeline.models import Asked, Transcript
from pipeline.speech.fal.models.arguments import Arguments, asked_of, check_arguments
from pipeline.speech.fal.models.base import Model
from pipeline.speech.fal.normalise import Shape, first_language, normalise


class WizperArguments(Arguments):
    """The input schema without `audio_url`; defaults as documented, except that `language` means auto here."""

    task: Literal["transcribe", "translate"] = "transcribe"
    language: str | None = None
    chunk_level: str = "segment"
    max_segment_len: int = Field(default=29, ge=10, le=29)
    merge_chunks: bool = True
    version: str = "3"


class Wizper(Model):
    """Takes speech for English when `language` is absent, so that auto must be asked for with a null."""

    def arguments(self, endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The task, the language (null for auto), and whatever differs from the defaults."""
        given = check_arguments(WizperArguments, endpoint_id, asked, extra)
        return {"task": given.task, "language": given.language, **given.model_dump(exclude_defaults=True)}

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """Language and task, where they are given."""
        return asked_of(arguments)

    def transcript(self, raw: JsonValue, arguments: Mapping[str, JsonValue]) -> Transcript:
        """As whisper, but the languages are in `languages`."""
        answer = raw if isinstance(raw, dict) else {}
        return normalise(
            answer.get("text"),
            answer.get("chunks"),
            shape=Shape.WORDS if arguments.get("chunk_level") == "word" else Shape.SEGMENTS,
            language=first_language(answer.get("languages"), arguments.get("language")),
        )
