"""fal-ai/speech-to-text and /turbo: NVIDIA's Canary (docs/fal.md section 14.3). A text, and nothing about when."""

from typing import ClassVar

from emulator.fal.engines.base import Speech
from emulator.fal.models.base import Arguments, Output, text_of


class PlainArguments(Arguments):
    """Endpoints that answer `output` and `partial`, and can stream."""

    streams: ClassVar[bool] = True

    def answer(self, speech: Speech) -> Output:
        """No times, no language, no speakers."""
        return {"output": text_of(speech).strip(), "partial": False}

    def events(self, output: Output) -> list[Output]:
        """The first half, and then all of it."""
        words = output["output"].split()
        half = {"output": " ".join(words[: len(words) // 2]), "partial": True}
        return [half, output] if half["output"] else [output]

    @classmethod
    def garbled(cls, output: Output) -> Output:
        """A transcript that stops half-way and says so, behind a leading space."""
        text = output["output"]
        return {"output": f" {text[: len(text) // 2]}", "partial": True}


class CanaryArguments(PlainArguments):
    """Input of fal-ai/speech-to-text and fal-ai/speech-to-text/turbo."""

    unit_price_usd: ClassVar[float] = 0.0008

    use_pnc: bool = True
