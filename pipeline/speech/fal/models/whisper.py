"""fal-ai/whisper: its arguments and its answers (docs/fal.md section 14.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, JsonValue

from pipeline.models import Asked, Transcript
from pipeline.speech.fal.models.arguments import Arguments, asked_of, check_arguments
from pipeline.speech.fal.models.base import Model
from pipeline.speech.fal.normalise import Shape, first_language, normalise


class WhisperArguments(Arguments):
    """The input schema without `audio_url`; defaults as documented."""

    task: Literal["transcribe", "translate"] = "transcribe"
    language: str | None = None
    diarize: bool = False
    chunk_level: Literal["none", "segment", "word"] = "segment"
    batch_size: int = Field(default=64, ge=1, le=64)
    prompt: str = ""
    num_speakers: int | None = Field(default=None, ge=1)


class Whisper(Model):
    """Detects the language when `language` is absent; `"auto"` is no value of it."""

    def arguments(self, endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The task, and whatever differs from the defaults."""
        given = check_arguments(WhisperArguments, endpoint_id, asked, extra)
        return {"task": given.task, **given.model_dump(exclude_defaults=True)}

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """Language and task, where they are given."""
        return asked_of(arguments)

    def transcript(self, raw: JsonValue, arguments: Mapping[str, JsonValue]) -> Transcript:
        """Chunks are segments, or words when `chunk_level` asked for them."""
        answer = raw if isinstance(raw, dict) else {}
        return normalise(
            answer.get("text"),
            answer.get("chunks"),
            shape=Shape.WORDS if arguments.get("chunk_level") == "word" else Shape.SEGMENTS,
            language=first_language(answer.get("inferred_languages"), arguments.get("language")),
        )
