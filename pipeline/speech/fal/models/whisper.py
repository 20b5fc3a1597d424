"""fal-ai/whisper (docs/fal.md section 14.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from pipeline.models import Abilities, Asked
from pipeline.speech.fal.models.arguments import Arguments
from pipeline.speech.fal.models.base import KnownModel, told_language
from pipeline.speech.fal.models.languages import LANGUAGES


class WhisperArguments(Arguments):
    """The input schema without `audio_url`; defaults as documented."""

    task: Literal["transcribe", "translate"] = "transcribe"
    language: str | None = None
    diarize: bool = False
    chunk_level: Literal["none", "segment", "word"] = "segment"
    batch_size: int = Field(default=64, ge=1, le=64)
    prompt: str = ""
    num_speakers: int | None = Field(default=None, ge=1)


class Whisper(KnownModel):
    """Detects the language when `language` is absent; `"auto"` is no value of it."""

    kind = WhisperArguments
    always_said = ("task",)
    regions: ClassVar[Mapping[str, str]] = {"nb": "no"}  # Whisper's `no` is Bokmål; Nynorsk has its own code
    abilities = Abilities(
        languages=LANGUAGES,
        detects_language=True,
        translates=True,
        timestamps=True,
        words=True,
        speakers=True,
        speaker_count=True,
        prompt=True,
        price_note="fal's page shows a placeholder of 0 per compute second; trackers saw about 0.07 USD per audio "
        "hour; telling speakers apart costs extra",
        formats=("mp3", "mp4", "mpeg", "mpga", "m4a", "wav", "webm"),
        notes=(
            "Silence can bring invented phrases.",
            "Speakers are told apart poorly unless their number is given.",
            "Times may be missing, reversed or without length, and the list of languages empty; both are mended.",
        ),
    )

    def wishes(self, asked: Asked) -> dict[str, JsonValue]:
        """Speakers and words by the arguments that other models do not have."""
        return {
            "task": asked.task or "transcribe",
            **({"diarize": True} if asked.diarize or asked.speakers else {}),
            **({"num_speakers": asked.speakers} if asked.speakers else {}),
            **({"chunk_level": "word"} if asked.words else {}),
            **({"prompt": asked.prompt} if asked.prompt else {}),
        }

    def asked(self, arguments: Mapping[str, JsonValue]) -> Asked:
        """Everything that `wishes` says."""
        count, prompt = arguments.get("num_speakers"), arguments.get("prompt")
        is_count = isinstance(count, int) and not isinstance(count, bool) and count >= 1
        return Asked(
            language=told_language(arguments),
            task="translate" if arguments.get("task") == "translate" else None,
            diarize=arguments.get("diarize") is True,
            speakers=count if is_count else None,
            words=arguments.get("chunk_level") == "word",
            prompt=prompt if isinstance(prompt, str) and prompt else None,
        )
