"""fal-ai/nemotron/asr and nvidia/nemotron-asr-multilingual/asr (docs/fal.md sections 14.4 and 14.5).

The output of the multilingual one is not known; it is taken to be that of its sister.
"""

from typing import Annotated, ClassVar

from emulator.fal.models import languages
from emulator.fal.models.base import SECONDS_PER_MINUTE, one_of
from emulator.fal.models.canary import PlainArguments


class NemotronArguments(PlainArguments):
    """Input of fal-ai/nemotron/asr."""

    unit_price_usd: ClassVar[float] = 0.0008

    acceleration: Annotated[str, one_of("none", "low", "medium", "high")] = "none"


class NemotronMultilingualArguments(PlainArguments):
    """Input of nvidia/nemotron-asr-multilingual/asr; billed by the minute, and nothing is known of rounding."""

    unit: ClassVar[str] = "minutes"
    unit_price_usd: ClassVar[float] = 0.008

    language: Annotated[str, one_of(*languages.NEMOTRON_MULTILINGUAL)] = "auto"
    acceleration: Annotated[str, one_of("none", "regular", "high", "full")] = "regular"

    def units(self, audio_s: float) -> float:
        """Minutes of audio."""
        return round(audio_s / SECONDS_PER_MINUTE, 6)
