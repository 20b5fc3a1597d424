"""fal-ai/elevenlabs/speech-to-text and /scribe-v2 (docs/fal.md sections 14.6 and 14.7)."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from emulator.fal.engines.base import Speech
from emulator.fal.models.base import SECONDS_PER_MINUTE, Arguments, Output
from emulator.fal.models.voices import spoken_words

KEYTERMS_SURCHARGE = 1.3  # 30 % more; that it shows in the units, not in the price, is a guess.


class ScribeArguments(Arguments):
    """Input of Scribe v1. Tells speakers apart unless refused; `language` is not one of its fields, and is ignored."""

    unit: ClassVar[str] = "minutes"
    unit_price_usd: ClassVar[float] = 0.03

    language_code: str | None = None
    tag_audio_events: bool = True
    diarize: bool = True

    @property
    def wants_words(self) -> bool:
        """There is nothing but words."""
        return True

    def answer(self, speech: Speech) -> Output:
        """Words with what stands between them. Audio events are not heard here."""
        words: list[dict[str, Any]] = []
        for speaker, word in spoken_words(speech):
            owner = {"speaker_id": f"speaker_{speaker}" if self.diarize else None}
            if words:
                words.append({"text": " ", "start": words[-1]["end"], "end": word.start, "type": "spacing"} | owner)
            words.append({"text": word.text.strip(), "start": word.start, "end": word.end, "type": "word"} | owner)
        return {
            "text": "".join(entry["text"] for entry in words),
            "language_code": self.language_code or "eng",
            "language_probability": 0.98,
            "words": words,
        }

    def units(self, audio_s: float) -> float:
        """Minutes of audio; nothing is known of rounding."""
        return round(audio_s / SECONDS_PER_MINUTE, 6)

    @classmethod
    def garbled(cls, output: Output) -> Output:
        """Words without times, reversed ones, a number for a speaker, a laugh, and no language."""
        laugh = {"text": "(laughter)", "type": "audio_event"}
        return {
            "text": output["text"],
            "language_code": "",
            "words": [laugh, *map(_garbled, enumerate(output["words"]))],
        }


class ScribeV2Arguments(ScribeArguments):
    """Input of Scribe v2: as v1, and terms to expect, for 30 % more."""

    unit_price_usd: ClassVar[float] = 0.008

    keyterms: list[Annotated[str, StringConstraints(max_length=50)]] = Field(default=[], max_length=100)

    def units(self, audio_s: float) -> float:
        """Minutes of audio, dearer with terms."""
        return round(super().units(audio_s) * (KEYTERMS_SURCHARGE if self.keyterms else 1), 6)


def _garbled(numbered: tuple[int, dict[str, Any]]) -> dict[str, Any]:
    number, word = numbered
    timeless = {name: value for name, value in word.items() if name not in {"start", "end"}}
    kinds = (  # an odd number, so that words and what stands between them take turns in all of them
        timeless,
        timeless | {"start": word["end"], "end": word["start"]},
        timeless | {"start": word["start"], "end": None, "speaker_id": 0},
        timeless | {"start": word["end"], "end": word["end"]},
        word,
    )
    return kinds[number % len(kinds)]
