"""fal-ai/whisper (docs/fal.md section 14.1)."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from emulator.fal.engines.base import Speech
from emulator.fal.models import languages
from emulator.fal.models.base import Arguments, Output, Task, one_of, spoilt_time, text_of
from emulator.fal.models.voices import turns

Language = Annotated[str, one_of(*languages.WHISPER)]
ChunkLevel = Annotated[str, one_of("none", "segment", "word")]


class WhisperArguments(Arguments):
    """Input of fal-ai/whisper. "auto" is not a language; null is how to ask for detection.

    fal's price is a placeholder of 0 per compute second; billed here is the audio second, which a test can predict.
    """

    unit: ClassVar[str] = "compute seconds"

    task: Task = "transcribe"
    language: Language | None = None
    diarize: bool = False
    chunk_level: ChunkLevel = "segment"
    batch_size: int = Field(default=64, ge=1, le=64)
    prompt: str = ""
    num_speakers: int | None = Field(default=None, ge=1)

    @property
    def wants_words(self) -> bool:
        """At word level only."""
        return self.chunk_level == "word"

    def answer(self, speech: Speech) -> Output:
        """Chunks by level; speakers only when asked for. The engine hears English whatever was asked."""
        heard = list(turns(speech, self.num_speakers))
        timed: list[tuple[float, float, str, int]]
        if self.chunk_level == "word":
            timed = [(word.start, word.end, word.text, who) for who, segment in heard for word in segment.words]
        elif self.chunk_level == "none" and heard:
            timed = [(heard[0][1].start, heard[-1][1].end, text_of(speech), heard[0][0])]
        else:
            timed = [(segment.start, segment.end, segment.text, who) for who, segment in heard]
        named = ({"speaker": _name(who)} if self.diarize else {} for *_, who in timed)
        chunks = [chunk(start, end, text) | name for (start, end, text, _), name in zip(timed, named, strict=True)]
        said = [{"timestamp": [s.start, s.end], "speaker": _name(who)} for who, s in heard] if self.diarize else []
        return {"text": text_of(speech), "chunks": chunks, "inferred_languages": ["en"], "diarization_segments": said}

    @classmethod
    def garbled(cls, output: Output) -> Output:
        """Every kind of bent time stamp in turn, and no languages."""
        return output | {"chunks": garbled_chunks(output["chunks"]), "inferred_languages": []}


def chunk(start: float, end: float, text: str) -> dict[str, Any]:
    """One chunk, times in seconds."""
    return {"timestamp": [round(start, 3), round(end, 3)], "text": text}


def garbled_chunks(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The chunks with time stamps that nobody can use."""
    return [entry | {"timestamp": spoilt_time(at, *entry["timestamp"])} for at, entry in enumerate(chunks)]


def _name(speaker: int) -> str:
    return f"SPEAKER_{speaker:02}"
