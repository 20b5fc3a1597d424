"""What every speech endpoint has: an input schema, an answer made of what was heard, a unit of billing, defects."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic_core import PydanticCustomError

from emulator.fal.engines.base import Speech

Output = dict[str, Any]
SECONDS_PER_MINUTE = 60


class Arguments(BaseModel, ABC):
    """The arguments of one request. Unknown fields pass, as at fal.

    One class for each endpoint; what differs between endpoints of a family stands in its class variables.
    """

    model_config = ConfigDict(frozen=True)

    unit: ClassVar[str] = "seconds"
    """What the pricing API calls the unit (docs/fal.md section 14)."""
    unit_price_usd: ClassVar[float] = 0.0
    streams: ClassVar[bool] = False
    """Whether `POST /ENDPOINT/stream` exists on the run host."""

    audio_url: str

    @property
    def wants_words(self) -> bool:
        """Whether the answer needs the times of single words."""
        return False

    @abstractmethod
    def answer(self, speech: Speech) -> Output:
        """The raw output JSON for this speech."""

    def events(self, output: Output) -> list[Output]:
        """What the streaming route sends, one after the other; the last is the whole output."""
        return [output]

    def units(self, audio_s: float) -> float:
        """The billable units of a success."""
        return round(audio_s, 3)

    @classmethod
    @abstractmethod
    def garbled(cls, output: Output) -> Output:
        """The output with the defects that are documented or reported of this family. The input stays as it is."""


def one_of(*members: str) -> AfterValidator:
    """Accepts these texts only, with fal's `enum` error for all others."""
    listed = ", ".join(repr(member) for member in sorted(members))

    def check(value: str) -> str:
        if value not in members:
            raise PydanticCustomError("enum", "Input should be {expected}", {"expected": listed})
        return value

    return AfterValidator(check)


def text_of(speech: Speech) -> str:
    """All that was said. Begins with a space, as whisper's text does."""
    return "".join(segment.text for segment in speech.segments)


def spoilt_time(number: int, start: float, end: float) -> list[float | None] | None:
    """Four kinds of time stamps that are reported, in turn: null, reversed, without an end, without length."""
    kinds: tuple[Callable[[], list[float | None] | None], ...] = (
        lambda: None,
        lambda: [end, start],
        lambda: [start, None],
        lambda: [end, end],
    )
    return kinds[number % len(kinds)]()


Task = Annotated[str, one_of("transcribe", "translate")]
