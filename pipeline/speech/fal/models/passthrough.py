"""Every other endpoint: arguments as the user gave them, answers read where their shape is a known one."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from pipeline.models import Asked
from pipeline.speech.fal.models.arguments import refuse_audio_url
from pipeline.speech.fal.models.base import Model, told_language
from pipeline.speech.fal.models.languages import AUTO


class PassThrough(Model):
    """Knows nothing about the endpoint, and so puts nothing into its words but what most of them share."""

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
        """What the most common names ask for."""
        return Asked(
            language=told_language(arguments) or told_language(arguments, "language_code"),
            task="translate" if arguments.get("task") == "translate" else None,
            diarize=arguments.get("diarize") is True,
            words=arguments.get("chunk_level") == "word",
        )
