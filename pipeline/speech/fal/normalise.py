"""Makes a transcript that obeys its rules (I12) out of what a model answered; every repair is named and counted.

Nothing in the answer is trusted (docs/fal.md section 14.12); the raw answer is kept elsewhere, verbatim. White space
around texts is trimmed without being called a repair: whisper puts it around every text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pydantic import JsonValue

from pipeline.models import Segment, Transcript
from pipeline.speech.fal.answers import Track, language_of, text_of, tracks_of
from pipeline.speech.fal.grouping import as_word, group_words
from pipeline.speech.fal.pieces import Piece, glued, read_pieces
from pipeline.speech.fal.timing import Timed, inside, timed
from pipeline.speech.fal.turns import with_speakers


def read_transcript(raw: JsonValue, arguments: Mapping[str, JsonValue]) -> Transcript:
    """The transcript in an answer of any family, to these arguments; anything may be missing, null or bent.

    A repair reads `end_missing:2`. An empty text without repairs means that no speech was heard.
    """
    repairs: Counter[str] = Counter()
    answer = {"text": raw} if isinstance(raw, str) else raw if isinstance(raw, dict) else {}
    repairs["partial"] += answer.get("partial") is True
    text = text_of(answer)
    is_spaced = " " in text.strip() if text else True
    segments = [
        segment
        for track in tracks_of(answer, arguments)
        for segment in _segments(track, answer.get("diarization_segments"), repairs, is_spaced=is_spaced)
    ]
    segments.sort(key=lambda segment: segment.start)
    if text is None or (segments and not text.strip()):
        repairs["text_missing"] += 1
        text = " ".join(segment.text for segment in segments)
    return Transcript(
        text=text.strip(),
        language=language_of(answer, arguments),
        segments=tuple(segments),
        repairs=tuple(f"{name}:{count}" for name, count in sorted(repairs.items()) if count),
    )


def _segments(track: Track, turns: JsonValue, repairs: Counter[str], *, is_spaced: bool) -> Sequence[Segment]:
    pieces = [_of_channel(piece, track.channel) for piece in read_pieces(track.items, repairs)]
    if track.is_words:
        words = with_speakers(timed(glued(pieces), repairs), turns, repairs)
        return group_words(words, is_spaced=is_spaced)
    return [_segment(stretch, repairs) for stretch in with_speakers(timed(pieces, repairs), turns, repairs)]


def _segment(stretch: Timed, repairs: Counter[str]) -> Segment:
    words = inside(timed(stretch.piece.words, repairs), stretch, repairs)
    return Segment(
        start=stretch.start,
        end=stretch.end,
        text=stretch.text,
        speaker=stretch.piece.speaker,
        words=tuple(as_word(word) for word in words if not word.piece.is_sound) or None,
    )


def _of_channel(piece: Piece, channel: str | None) -> Piece:
    """Speakers are counted anew in every channel, so that the channel is a part of their names."""
    return piece if channel is None else replace(piece, speaker=f"{channel} {piece.speaker or ''}".strip())
