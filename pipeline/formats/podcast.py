"""The JSON transcript of Podcasting 2.0. Pure.

Specified at https://github.com/Podcastindex-org/podcast-namespace, under "Transcript File Format Details".

A segment of it is a stretch of speech or, at its most precise, a single word, for players that highlight each word.
Where the model gave words, they are written: it is the only format of ours that can hold them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pydantic import JsonValue

from pipeline.formats.plain import one_line
from pipeline.formats.times import milliseconds
from pipeline.models import Segment, Word

_VERSION = "1.0.0"


def render_podcast_json(segments: Sequence[Segment], text: str) -> str:
    """One line per segment. Without segments all of the text from the start, with an end that nobody knows."""
    entries = [entry for segment in segments for entry in _entries(segment)]
    whole = one_line(text)
    if not entries and whole:
        entries = [{"startTime": 0.0, "body": whole}]
    lines = ",".join(f"\n{json.dumps(entry, ensure_ascii=False)}" for entry in entries)
    return f'{{"version": "{_VERSION}", "segments": [{lines}\n]}}\n'


def _entries(segment: Segment) -> Iterator[dict[str, JsonValue]]:
    speaker: dict[str, JsonValue] = {"speaker": name} if (name := one_line(segment.speaker or "")) else {}
    parts: Sequence[Segment | Word] = _words(segment) or [segment]
    for part in parts:
        body = one_line(part.text)
        if body:
            start, end = milliseconds(part.start) / 1000, milliseconds(part.end) / 1000
            yield {**speaker, "startTime": start, "endTime": max(start, end), "body": body}


def _words(segment: Segment) -> Sequence[Word]:
    """The words, where players that put a space between bodies get the segment's text and times that only go on."""
    words = segment.words or ()
    is_spelt = one_line(" ".join(word.text for word in words)) == one_line(segment.text)
    is_in_order = all(word.start <= following.start for word, following in pairwise(words))
    is_inside = all(segment.start <= word.start and word.end <= segment.end for word in words)
    return words if is_spelt and is_in_order and is_inside else ()
