"""Every other endpoint: arguments as the user gave them, answers read where their shape is a known one.

docs/fal.md section 14.12 lists the families whose shapes are recognised here.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from pipeline.models import Asked, Transcript
from pipeline.speech.fal.models.arguments import asked_of, refuse_audio_url
from pipeline.speech.fal.models.base import Model
from pipeline.speech.fal.models.languages import AUTO
from pipeline.speech.fal.normalise import Shape, first_language, normalise

_SHAPES = (("chunks", Shape.SEGMENTS), ("segments", Shape.SEGMENTS), ("words", Shape.WORDS))


class PassThrough(Model):
    """Knows nothing about the endpoint, and so refuses nothing but `audio_url`."""

    def arguments(self, endpoint_id: str, asked: Asked, extra: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """`extra`, and language and task only when they were meant: an endpoint may have neither."""
        del endpoint_id
        refuse_audio_url(extra)
        wishes: dict[str, JsonValue] = {}
        if asked.language and asked.language.strip().lower() != AUTO:
            wishes["language"] = asked.language.strip()
        if asked.task and asked.task != "transcribe":
            wishes["task"] = asked.task
        return {**wishes, **extra}

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """Language and task, where they are given."""
        return asked_of(arguments)

    def transcript(self, raw: JsonValue, arguments: Mapping[str, JsonValue]) -> Transcript:
        """Text from `text` or `output`; segments from the first list that holds stretches of text."""
        answer = raw if isinstance(raw, dict) else {}
        text = answer.get("text")
        name, shape = next(((name, shape) for name, shape in _SHAPES if _has_text(answer.get(name))), _SHAPES[0])
        return normalise(
            text if isinstance(text, str) else answer.get("output"),
            answer.get(name) if _has_text(answer.get(name)) else None,
            shape=shape,
            language=first_language(
                answer.get("language"),
                answer.get("language_code"),
                answer.get("inferred_languages"),
                answer.get("languages"),
                arguments.get("language"),
                arguments.get("language_code"),
            ),
        )


def _has_text(items: JsonValue) -> bool:
    return isinstance(items, list) and any(
        isinstance(item, dict) and isinstance(item.get("text", item.get("word")), str) for item in items
    )
