"""xai/speech-to-text/v1 (docs/fal.md section 14.9). fal's schema is known in part; the rest is xAI's own."""

import math
from typing import Annotated, Any, ClassVar

from emulator.fal.engines.base import Speech
from emulator.fal.models import languages
from emulator.fal.models.base import SECONDS_PER_MINUTE, Arguments, Output, one_of, spoilt_time, text_of
from emulator.fal.models.voices import spoken_words


class XaiArguments(Arguments):
    """Input of xai/speech-to-text/v1. The name of its multichannel option is not known: any field passes."""

    unit: ClassVar[str] = "minutes"
    unit_price_usd: ClassVar[float] = 0.001667
    streams: ClassVar[bool] = True

    language: Annotated[str, one_of(*languages.XAI)] = "auto"
    diarize: bool = False
    format: bool = True

    @property
    def wants_words(self) -> bool:
        """There is nothing but words."""
        return True

    def answer(self, speech: Speech) -> Output:
        """`words` is left out when nobody speaks; speakers are numbers."""
        words = [
            {"text": word.text.strip(), "start": word.start, "end": word.end}
            | ({"speaker": speaker} if self.diarize else {})
            for speaker, word in spoken_words(speech)
        ]
        language = "en" if self.language == "auto" else self.language
        said = {"text": text_of(speech).strip(), "language": language, "duration": round(speech.duration_s, 3)}
        return said | ({"words": words} if words else {})

    def units(self, audio_s: float) -> float:
        """Minutes of audio, each begun one in full."""
        return float(math.ceil(audio_s / SECONDS_PER_MINUTE))

    @classmethod
    def garbled(cls, output: Output) -> Output:
        """An empty language, no duration, bent times, and a text for every other speaker."""
        words = [_garbled(number, word) for number, word in enumerate(output.get("words", []))]
        return {"text": output["text"], "language": "", "words": words}


def _garbled(number: int, word: dict[str, Any]) -> dict[str, Any]:
    start, end = spoilt_time(number, word["start"], word["end"]) or [None, None]
    speaker = word.get("speaker")
    return (
        word | {"start": start, "end": end} | ({"speaker": str(speaker)} if number % 2 and speaker is not None else {})
    )
