"""The input schemas of the emulated endpoints (docs/fal.md sections 14.1 and 14.2). Unknown fields pass, as at fal."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

# A word list is read across.
# fmt: off
LANGUAGES = frozenset({
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da", "de", "el",
    "en", "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he", "hi", "hr", "ht", "hu", "hy",
    "id", "is", "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la", "lb", "ln", "lo", "lt", "lv", "mg", "mi",
    "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl", "nn", "no", "oc", "pa", "pl", "ps", "pt", "ro", "ru",
    "sa", "sd", "si", "sk", "sl", "sn", "so", "sq", "sr", "su", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl",
    "tr", "tt", "uk", "ur", "uz", "vi", "yi", "yo", "zh",
})
# fmt: on


class InvalidArgumentsError(Exception):
    """The arguments break the endpoint's schema; `errors` are entries for a 422 detail list."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors)
        self.errors = errors


def _one_of(members: frozenset[str]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in members:
            listed = ", ".join(repr(member) for member in sorted(members))
            raise PydanticCustomError("enum", "Input should be {expected}", {"expected": listed})
        return value

    return check


Language = Annotated[str, AfterValidator(_one_of(LANGUAGES))]
Task = Annotated[str, AfterValidator(_one_of(frozenset({"transcribe", "translate"})))]
ChunkLevel = Annotated[str, AfterValidator(_one_of(frozenset({"none", "segment", "word"})))]


class WhisperArguments(BaseModel):
    """Input of fal-ai/whisper. "auto" is not a language; null is how to ask for detection."""

    model_config = ConfigDict(frozen=True)

    audio_url: str
    task: Task = "transcribe"
    language: Language | None = None
    diarize: bool = False
    chunk_level: ChunkLevel = "segment"
    batch_size: int = Field(default=64, ge=1, le=64)
    prompt: str = ""
    num_speakers: int | None = Field(default=None, ge=1)


class WizperArguments(BaseModel):
    """Input of fal-ai/wizper. The default language is English, and chunk_level is free text."""

    model_config = ConfigDict(frozen=True)

    audio_url: str
    task: Task = "transcribe"
    language: Language | None = "en"
    chunk_level: str = "segment"
    max_segment_len: int = Field(default=29, ge=10, le=29)
    merge_chunks: bool = True
    version: str = "3"


Arguments = WhisperArguments | WizperArguments


def read_arguments(endpoint_id: str, body: Any) -> Arguments:
    """Validates a submitted body for its endpoint; an endpoint that is not known is read as whisper.

    Raises InvalidArgumentsError.
    """
    schema = WizperArguments if endpoint_id == "fal-ai/wizper" else WhisperArguments
    try:
        return schema.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise InvalidArgumentsError([{**entry, "loc": ["body", *entry["loc"]]} for entry in found]) from error
