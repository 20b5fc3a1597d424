"""fal-ai/cohere-transcribe (docs/fal.md section 14.8)."""

from typing import Annotated, ClassVar

from pydantic import Field

from emulator.fal.engines.base import Speech
from emulator.fal.models import languages
from emulator.fal.models.base import Arguments, Output, one_of, text_of


class CohereArguments(Arguments):
    """Input of fal-ai/cohere-transcribe. English when absent: it cannot detect a language."""

    unit_price_usd: ClassVar[float] = 0.00006944444

    language: Annotated[str, one_of(*languages.COHERE)] = "en"
    punctuation: bool = True
    max_new_tokens: int = Field(default=256, ge=1, le=1024)

    def answer(self, speech: Speech) -> Output:
        """The text, and how long the machine took: `timings` are no times of words."""
        return {"text": text_of(speech).strip(), "timings": {"inference": round(speech.duration_s / 100, 4)}}

    @classmethod
    def garbled(cls, output: Output) -> Output:
        """Cut off as if `max_new_tokens` had been reached, behind a leading space, without timings."""
        return {"text": f" {output['text'][: len(output['text']) // 2]}"}
