"""Segments and words as models give them, read out of JSON with tolerance. Judges nothing but shape; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from pipeline.speech.fal.wire import number

MAX_TIME_S = 1e7  # sixteen weeks; a larger time is noise, and would swallow what is added to it
_MILLISECONDS = 3


@dataclass(frozen=True)
class Piece:
    """A segment or a word. The text keeps its spaces, from which words are joined; a bad time is None."""

    text: str
    start: float | None
    end: float | None
    speaker: str | None = None
    probability: float | None = None
    words: tuple[Piece, ...] = ()


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
    """The words without those that only hold white space (scribe's `spacing`), which joins the word before."""
    kept: list[Piece] = []
    for piece in pieces:
        if not piece.text.isspace():
            kept.append(piece)
        elif kept:
            kept[-1] = replace(kept[-1], text=kept[-1].text + piece.text)
    return kept


def _piece(item: dict[str, JsonValue], repairs: Counter[str]) -> Piece:
    start, end = item.get("start"), item.get("end")
    stamp = item.get("timestamp")
    if isinstance(stamp, list):
        start, end = [*stamp, None, None][:2]
    text = item.get("text", item.get("word"))
    probability = number(item.get("probability"))
    return Piece(
        text=text if isinstance(text, str) else "",
        start=_time(start),
        end=_time(end),
        speaker=_speaker(item.get("speaker", item.get("speaker_id"))),
        probability=probability if probability is not None and 0 <= probability <= 1 else None,
        words=tuple(glued(read_pieces(item.get("words"), repairs))),
    )


def _time(value: JsonValue) -> float | None:
    seconds = number(value)
    return None if seconds is None or abs(seconds) > MAX_TIME_S else round(seconds, _MILLISECONDS)


def _speaker(value: JsonValue) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"SPEAKER_{value:02d}"  # whisper's own form, for models that count
    return (value.strip() or None) if isinstance(value, str) else None
