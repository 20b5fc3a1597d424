"""Cues: what WebVTT and SRT show one after the other, out of segments. Pure.

A segment that is too long for one cue becomes several. Their times are those of its words where it has words, else the
segment's time is divided by characters. Cues come in order and never overlap, also where people talk at once: then
the cue that is there gives way to the next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, zip_longest
from math import inf

from pipeline.formats.cutting import Caption, captions
from pipeline.formats.plain import one_line
from pipeline.formats.times import milliseconds
from pipeline.models import Segment

_READABLE_MS = 1000  # a cue that is shown for less than this is not read; kept as far as its segment is long enough


@dataclass(frozen=True, slots=True)
class Cue:
    """One or two lines on show; times in milliseconds."""

    start_ms: int
    end_ms: int
    speaker: str
    lines: tuple[str, ...]


def cues(segments: Sequence[Segment], most_columns: int, *, names_inside: bool = False) -> list[Cue]:
    """The cues of segments that are in order of their starts; the speaker is `""` where there is none.

    With `names_inside` a name is put into the text where the speaker changes, as `Name: `.
    """
    spoken = [segment for segment in segments if one_line(segment.text)]
    made: list[Cue] = []
    speaker_before = ""
    for segment, is_crossed in zip(spoken, _crossed(spoken), strict=True):
        speaker = one_line(segment.speaker or "")
        is_named = names_inside and speaker and (is_crossed or speaker != speaker_before)
        name = f"{speaker}:" if is_named else ""
        parts = list(captions(one_line(segment.text), most_columns, name=name, names_each=is_crossed))
        made += [
            Cue(start_ms, end_ms, speaker, part.lines)
            for part, (start_ms, end_ms) in zip(parts, _times(segment, parts), strict=True)
        ]
        speaker_before = speaker
    made.sort(key=lambda cue: cue.start_ms)  # those of people who talk at once are mixed
    return _apart(made)


def _crossed(segments: Sequence[Segment]) -> Iterator[bool]:
    """Whether each segment is spoken at the same time as another."""
    latest_end = -inf
    for segment, following in zip_longest(segments, segments[1:]):
        yield segment.start < latest_end or (following is not None and following.start < segment.end)
        latest_end = max(latest_end, segment.end)


def _times(segment: Segment, parts: Sequence[Caption]) -> list[tuple[int, int]]:
    """When each part of a segment is said, within the segment, each long enough to be read where there is time."""
    begin = milliseconds(segment.start)
    end = max(milliseconds(segment.end), begin)
    raw = _by_words(segment, parts) or _by_characters(begin, end, parts)
    raw = [(begin, raw[0][1]), *raw[1:-1], (raw[-1][0], end)] if len(raw) > 1 else [(begin, end)]
    return _spread(raw, begin, end, least=min(_READABLE_MS, (end - begin) // len(parts)))


def _by_characters(begin: int, end: int, parts: Sequence[Caption]) -> list[tuple[int, int]]:
    total = parts[-1].end
    return [(begin + (end - begin) * part.begin // total, begin + (end - begin) * part.end // total) for part in parts]


def _by_words(segment: Segment, parts: Sequence[Caption]) -> list[tuple[int, int]]:
    """By the word at the same place. The words need not spell the text: some models write them otherwise."""
    words = [(word, len("".join(one_line(word.text).split()))) for word in segment.words or ()]
    spelt = list(accumulate(length for _, length in words))
    if not spelt or not spelt[-1]:
        return []

    def word_at(character: int) -> int:
        return bisect_right(spelt, character * spelt[-1] // parts[-1].end)

    return [
        (milliseconds(words[word_at(part.begin)][0].start), milliseconds(words[word_at(part.end - 1)][0].end))
        for part in parts
    ]


def _spread(times: Sequence[tuple[int, int]], begin: int, end: int, *, least: int) -> list[tuple[int, int]]:
    """The times in order within begin and end, each at least so long; there must be room for that."""
    starts: list[int] = []
    for start, _ in times:
        starts.append(max(start, starts[-1] + least if starts else begin))
    for number, start in enumerate(starts):
        starts[number] = min(start, end - (len(starts) - number) * least)
    limits = [*starts, end][1:]
    return [
        (start, min(max(raw_end, start + least), limit))
        for start, (_, raw_end), limit in zip(starts, times, limits, strict=True)
    ]


def _apart(made: Sequence[Cue]) -> list[Cue]:
    """The cues without any overlap, each at least a millisecond long: players refuse one that ends where it starts."""
    times: list[tuple[int, int]] = []
    end_before = 0
    for cue in made:
        # Who is interrupted is shown long enough to be read, as far as that leaves the other half of his time.
        readable = min(times[-1][0] + _READABLE_MS, end_before) if times else 0
        times.append((max(cue.start_ms, min(readable, (cue.start_ms + cue.end_ms) // 2)), cue.end_ms))
        end_before = cue.end_ms
    end = max([len(made), *(cue.end_ms for cue in made)])  # room for a millisecond each, whatever the times are
    return [
        replace(cue, start_ms=start_ms, end_ms=end_ms)
        for cue, (start_ms, end_ms) in zip(made, _spread(times, 0, end, least=1), strict=True)
    ]
