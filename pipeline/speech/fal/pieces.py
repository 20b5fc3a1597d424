"""Segments and words as models give them, read out of JSON with tolerance. Judges nothing but shape; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from pipeline.speech.fal.wire import number

MAX_TIME_S = 1e7  # sixteen weeks; a larger time is noise, and would swallow what is added to it
_MILLISECONDS = 3
_NUMBERED = re.compile(r"(?:speaker)?[ _-]*([0-9]{1,3})", re.IGNORECASE)  # speaker_0, SPEAKER_00, "1"


@dataclass(frozen=True)
class Piece:
    """A segment or a word. The text keeps its spaces, from which words are joined; a bad time is None."""

    text: str
    start: float | None
    end: float | None
    speaker: str | None = None
    probability: float | None = None
    words: tuple[Piece, ...] = ()
    is_gap: bool = False
    """Nothing but the space between two words (scribe's `spacing`)."""
    is_sound: bool = False
    """Something heard that is no word, such as laughter (scribe's `audio_event`)."""


def read_pieces(items: JsonValue, repairs: Counter[str]) -> list[Piece]:
    """The items of a list; null is an empty list, and what is no list or no object is counted and left out."""
    if items is None:
        return []
    if not isinstance(items, list):
        repairs["list_malformed"] += 1
        return []
    pieces = [_piece(item, repairs) for item in items if isinstance(item, dict)]
    repairs["item_malformed"] += len(items) - len(pieces)
    return pieces


def glued(pieces: Sequence[Piece]) -> list[Piece]:
    """The words without those that are only a gap, whose space joins the word before."""
    kept: list[Piece] = []
    for piece in pieces:
        if not piece.is_gap:
            kept.append(piece)
        elif kept:
            kept[-1] = replace(kept[-1], text=kept[-1].text + piece.text)
    return kept


def speaker_name(value: JsonValue) -> str | None:
    """Numbered speakers in whisper's own form, `SPEAKER_00`, whatever the model calls them; other names as they are."""
    if isinstance(value, bool):
        return None
    text = value.strip() if isinstance(value, str) else ""
    numbered = number(value)
    if numbered is not None and numbered >= 0 and numbered.is_integer():
        text = f"{numbered:.0f}"
    found = _NUMBERED.fullmatch(text)
    return f"SPEAKER_{int(found[1]):02d}" if found else text or None


def _piece(item: dict[str, JsonValue], repairs: Counter[str]) -> Piece:
    start, end = item.get("start"), item.get("end")
    stamp = item.get("timestamp")
    if isinstance(stamp, list):
        start, end = [*stamp, None, None][:2]
    given = item.get("text", item.get("word"))
    text = given if isinstance(given, str) else ""
    probability = number(item.get("probability"))
    return Piece(
        text=text,
        start=_time(start),
        end=_time(end),
        speaker=speaker_name(item.get("speaker", item.get("speaker_id"))),
        probability=probability if probability is not None and 0 <= probability <= 1 else None,
        words=tuple(glued(read_pieces(item.get("words"), repairs))),
        is_gap=text.isspace() or (item.get("type") == "spacing" and not text),
        is_sound=item.get("type") == "audio_event",
    )


def _time(value: JsonValue) -> float | None:
    seconds = number(value)
    return None if seconds is None or abs(seconds) > MAX_TIME_S else round(seconds, _MILLISECONDS)
