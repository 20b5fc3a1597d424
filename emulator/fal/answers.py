"""Shapes speech into the output of an endpoint (docs/fal.md sections 14.1 and 14.2). Pure."""

from typing import Any

from emulator.fal.arguments import Arguments, WizperArguments
from emulator.fal.engines.base import Segment, Speech

ONLY_SPEAKER = "SPEAKER_00"  # No diarizer here: one person speaks.


def answer(arguments: Arguments, speech: Speech) -> dict[str, Any]:
    """The raw output JSON of the endpoint whose arguments these are."""
    text = "".join(segment.text for segment in speech.segments)
    if isinstance(arguments, WizperArguments):
        segments = list(speech.segments)
        merged = merge(segments, arguments.max_segment_len) if arguments.merge_chunks else segments
        return {"text": text, "chunks": [_chunk(s.start, s.end, s.text) for s in merged], "languages": ["en"]}
    chunks = _whisper_chunks(arguments.chunk_level, speech.segments)
    turns = []
    if arguments.diarize and speech.segments:
        chunks = [chunk | {"speaker": ONLY_SPEAKER} for chunk in chunks]
        turns = [{"timestamp": [speech.segments[0].start, speech.segments[-1].end], "speaker": ONLY_SPEAKER}]
    return {"text": text, "chunks": chunks, "inferred_languages": ["en"], "diarization_segments": turns}


def _whisper_chunks(level: str, segments: tuple[Segment, ...]) -> list[dict[str, Any]]:
    if not segments:
        return []
    if level == "word":
        return [_chunk(word.start, word.end, word.text) for segment in segments for word in segment.words]
    if level == "none":
        return [_chunk(segments[0].start, segments[-1].end, "".join(segment.text for segment in segments))]
    return [_chunk(segment.start, segment.end, segment.text) for segment in segments]


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


def _chunk(start: float, end: float, text: str) -> dict[str, Any]:
    return {"timestamp": [round(start, 3), round(end, 3)], "text": text}


def garbled(output: dict[str, Any]) -> dict[str, Any]:
    """The output with every oddity that is documented for time stamps, in turn, and no languages.

    Null, reversed, without an end, without length: docs/fal.md section 14.1, caveats.
    """
    spoilt = []
    for number, chunk in enumerate(output["chunks"]):
        start, end = chunk["timestamp"]
        stamp = [None, [end, start], [start, None], [end, end]][number % 4]
        spoilt.append(chunk | {"timestamp": stamp})
    languages = "languages" if "languages" in output else "inferred_languages"
    return output | {"chunks": spoilt, languages: []}
