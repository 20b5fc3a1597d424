"""Builders of labelled transcripts: a text, spoken at a rate, as a model would hand it in."""

from __future__ import annotations

import random
import re
import tomllib
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pipeline.lint import Heard
from pipeline.lint.tokens import is_unspaced, tokens
from pipeline.models import Asked, Segment

TEXTS = {
    name: " ".join(text.split())
    for name, text in tomllib.loads((Path(__file__).parent / "texts.toml").read_text("utf-8")).items()
}
_SENTENCE = re.compile(r"[^.!?。！？।]+[.!?。！？।]*\s*")  # noqa: RUF001
_RATE, _RATE_UNSPACED = 150.0, 280.0  # words and characters per minute, as people speak


@dataclass(frozen=True)
class Case:
    """A labelled transcript. `wrong` are the findings that it deserves; `beside`, what may be said of it, too."""

    name: str
    heard: Heard
    wrong: frozenset[str] = frozenset()
    beside: frozenset[str] = field(default=frozenset())

    @property
    def is_held_out(self) -> bool:
        """Thresholds were chosen by the other half; the names, given before, decide which half it is."""
        return zlib.crc32(self.name.encode()) % 2 == 0


def good(name: str, heard: Heard) -> Case:
    """One that nobody should doubt."""
    return Case(name, heard)


def bad(name: str, heard: Heard, wrong: str, beside: str = "") -> Case:
    """One with these faults."""
    return Case(name, heard, frozenset(wrong.split()), frozenset(beside.split()))


def spoken(text: str, *, rate: float | None = None, start: float = 0.5) -> list[Segment]:
    """The sentences of a text, one after the other at this rate (words, or characters, per minute)."""
    rate = rate or (_RATE_UNSPACED if is_unspaced(tokens(text)) else _RATE)
    dice = random.Random(text)  # pauses differ, and are the same in every run
    segments = []
    for sentence in _SENTENCE.findall(text):
        end = start + max(0.5, len(tokens(sentence)) / rate * 60)
        if sentence.strip():
            segments.append(Segment(start=round(start, 2), end=round(end, 2), text=sentence.strip()))
        start = end + dice.uniform(0.05, 0.8)
    return segments


def heard(segments: list[Segment], language: str | None = "en", *, rest_s: float = 1.0, **changes: Any) -> Heard:
    """What a model hands in. The audio is `rest_s` longer than the last segment, unless `duration_s` is given."""
    end = max((segment.end for segment in segments), default=0.0)
    fields: dict[str, Any] = {
        "text": " ".join(segment.text for segment in segments),
        "segments": tuple(segments),
        "language": language,
        "duration_s": end + rest_s,
        "asked": Asked(),
    }
    return Heard(**fields | changes)


def said(text: str, language: str | None = "en", *, rate: float | None = None, **changes: Any) -> Heard:
    """A text that is spoken from the start of its audio to its end; a name of `TEXTS`, or the text itself."""
    whole = heard(spoken(TEXTS.get(text, text), rate=rate), language, rest_s=changes.pop("rest_s", 1.0))
    return replace(whole, **changes)


def later(segments: list[Segment], by_s: float) -> list[Segment]:
    """The same, later."""
    return [
        segment.model_copy(update={"start": segment.start + by_s, "end": segment.end + by_s}) for segment in segments
    ]


def every(seconds: float, text: str, count: int) -> list[Segment]:
    """The same words again and again, as models fill silence."""
    return [Segment(start=number * seconds, end=number * seconds + 2.0, text=text) for number in range(count)]
