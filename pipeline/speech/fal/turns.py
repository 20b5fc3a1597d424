"""Who speaks when, where a model tells that apart from what is said: whisper's `diarization_segments`. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import JsonValue

from pipeline.speech.fal.pieces import read_pieces
from pipeline.speech.fal.timing import Timed

_Turn = tuple[float, float, str]  # start and end in seconds, speaker


def with_speakers(stretches: Sequence[Timed], turns: JsonValue, repairs: Counter[str]) -> list[Timed]:
    """The stretches (in order), those without a speaker given the one whose turns overlap them most.

    What overlaps no turn stays without. Each speaker that was filled in is counted: it is concluded, not said.
    """
    spoken = _read_turns(turns, repairs)
    if not spoken or all(stretch.piece.speaker for stretch in stretches):
        return list(stretches)
    filled: list[Timed] = []
    for stretch, open_turns in _swept(stretches, spoken):
        shares: defaultdict[str, float] = defaultdict(float)
        for start, end, speaker in open_turns:
            shares[speaker] += max(0.0, min(end, stretch.end) - max(start, stretch.start))
        best = max(shares, key=lambda speaker: (shares[speaker], speaker), default=None)
        if stretch.piece.speaker is None and best is not None and shares[best] > 0:
            repairs["speaker_filled"] += 1
            filled.append(replace(stretch, piece=replace(stretch.piece, speaker=best)))
        else:
            filled.append(stretch)
    return filled


def _read_turns(turns: JsonValue, repairs: Counter[str]) -> list[_Turn]:
    read: list[_Turn] = []
    for piece in read_pieces(turns, repairs):
        if piece.speaker is None or piece.start is None or piece.end is None or piece.start == piece.end:
            repairs["turn_dropped"] += 1
        else:
            read.append((min(piece.start, piece.end), max(piece.start, piece.end), piece.speaker))
    return sorted(read)


def _swept(stretches: Sequence[Timed], turns: Sequence[_Turn]) -> Iterator[tuple[Timed, list[_Turn]]]:
    """Each stretch with the turns that can overlap it: both are walked through once, side by side."""
    begun: list[_Turn] = []
    following = 0
    for stretch in stretches:
        while following < len(turns) and turns[following][0] < stretch.end:
            begun.append(turns[following])
            following += 1
        begun = [turn for turn in begun if turn[1] > stretch.start]  # later stretches start no earlier
        yield stretch, begun
