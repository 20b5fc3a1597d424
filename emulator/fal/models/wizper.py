"""fal-ai/wizper (docs/fal.md section 14.2)."""

from typing import ClassVar

from pydantic import Field

from emulator.fal.engines.base import Segment, Speech
from emulator.fal.models.base import Arguments, Output, Task, text_of
from emulator.fal.models.whisper import Language, chunk, garbled_chunks


class WizperArguments(Arguments):
    """Input of fal-ai/wizper. The default language is English, and chunk_level is free text."""

    unit: ClassVar[str] = "compute seconds"

    task: Task = "transcribe"
    language: Language | None = "en"
    chunk_level: str = "segment"
    max_segment_len: int = Field(default=29, ge=10, le=29)
    merge_chunks: bool = True
    version: str = "3"

    def answer(self, speech: Speech) -> Output:
        """Segments only, whatever the level; neighbours are joined unless that was refused."""
        segments = list(speech.segments)
        shown = merge(segments, self.max_segment_len) if self.merge_chunks else segments
        chunks = [chunk(segment.start, segment.end, segment.text) for segment in shown]
        return {"text": text_of(speech), "chunks": chunks, "languages": ["en"]}

    @classmethod
    def garbled(cls, output: Output) -> Output:
        """As whisper's; the languages are in another field."""
        return output | {"chunks": garbled_chunks(output["chunks"]), "languages": []}


def merge(segments: list[Segment], max_segment_s: float) -> list[Segment]:
    """Joins neighbours while the joined segment is no longer than the limit."""
    merged: list[Segment] = []
    for segment in segments:
        if merged and segment.end - merged[-1].start <= max_segment_s:
            last = merged.pop()
            merged.append(Segment(last.start, segment.end, last.text + segment.text))
        else:
            merged.append(segment)
    return merged
