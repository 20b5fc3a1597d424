"""Models that got stuck: the same phrase over and over, or a stretch with next to nothing new in it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from operator import eq
from typing import NamedTuple

from pipeline.lint.heard import Heard
from pipeline.lint.tokens import is_unspaced
from pipeline.models import Finding
from pipeline.settings import LintSettings

_LONGEST_PHRASE = 60  # tokens; whisper cannot repeat more than it says in its window of 30 s
_WINDOW = 300  # tokens, two minutes of speech: shorter texts pack badly whatever they say
_SHOWN = 60  # characters of the phrase in a finding


class _Run(NamedTuple):
    """`repeats` times the same `period` tokens in a row, from the token number `start` on."""

    start: int
    period: int
    repeats: int


def loop(heard: Heard, settings: LintSettings) -> Iterator[Finding]:
    """`loop`: a phrase that comes too often in a row, or a stretch that packs far better than any speech."""
    run = _longest_run(heard.tokens, settings)
    if run is not None:
        phrase = " ".join(heard.tokens[run.start : run.start + run.period])
        shown = phrase if len(phrase) <= _SHOWN else f"{phrase[:_SHOWN]}..."
        yield Finding(name="loop", detail=f"{shown!r} {run.repeats} times in a row", at_s=heard.time_of(run.start))
        return
    for start in range(0, max(1, len(heard.tokens) - _WINDOW // 2), _WINDOW):
        ratio = _ratio(heard.tokens[start : start + _WINDOW])
        if ratio >= settings.loop_compression:
            detail = f"the words from here on say little new: they pack {ratio:.1f} times smaller"
            yield Finding(name="loop", detail=detail, at_s=heard.time_of(start))
            return


def _longest_run(tokens: list[str], settings: LintSettings) -> _Run | None:
    """The repetition that covers most tokens, of those that are long enough and come often enough."""
    best: _Run | None = None
    for period in range(1, min(_LONGEST_PHRASE, len(tokens) // 2) + 1):
        # A run of n tokens that equal those `period` before is the phrase itself and n / period repetitions.
        same = bytes(map(eq, tokens[period:], tokens))
        length = max(map(len, same.split(b"\0")))
        repeats = length // period + 1
        is_long = repeats >= settings.loop_repeats and length + period >= settings.loop_words
        if is_long and (best is None or length + period > best.repeats * best.period + best.period):
            best = _Run(same.index(b"\1" * length), period, repeats)
    return best


def _ratio(tokens: list[str]) -> float:
    """How much smaller the tokens pack; 0 for too few of them."""
    if len(tokens) < _WINDOW // 2:
        return 0.0
    unspaced = is_unspaced(tokens)
    text = ("" if unspaced else " ").join(tokens)
    body = text.encode()
    # By letters, for those of most alphabets are two bytes of which one says nothing; kanji are worth their three.
    return len(body if unspaced else text) / len(zlib.compress(body, 9))
