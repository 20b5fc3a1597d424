"""What was asked for and did not come, and what came damaged."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.lint.heard import Heard
from pipeline.models import Finding
from pipeline.settings import LintSettings

_TIME_REPAIRS = ("start_missing", "end_missing", "start_negative", "reversed", "zero_length", "out_of_order")
_LIST_REPAIRS = ("list_malformed", "item_malformed")
_FEW_REPAIRS = 3  # whisper leaves the end of a recording's last segment out, and a short one has no other


def wishes(heard: Heard, _settings: LintSettings) -> Iterator[Finding]:
    """`speakers_missing`, `words_missing`, `times_missing`: an asked-for part that the answer has nowhere."""
    if heard.is_silent:
        return
    segments, asked = heard.segments, heard.asked
    if (asked.diarize or asked.speakers) and not any(segment.speaker for segment in segments):
        yield Finding(name="speakers_missing", detail="speakers were asked for, and no segment names one")
    if asked.words and not any(segment.words for segment in segments):
        yield Finding(name="words_missing", detail="times of words were asked for, and there are none")
    if not segments and any(map(heard.counted, _LIST_REPAIRS)):
        yield Finding(name="times_missing", detail="the answer's times could not be read")


def partial(heard: Heard, _settings: LintSettings) -> Iterator[Finding]:
    """`partial`: the model itself says that it has not heard everything."""
    if heard.counted("partial"):
        yield Finding(name="partial", detail="the model calls its own answer partial")


def times_repaired(heard: Heard, settings: LintSettings) -> Iterator[Finding]:
    """`times_repaired`: most times were guessed, so that subtitles will not fit."""
    pieces = sum(1 + len(segment.words or ()) for segment in heard.segments)
    worst, count = max(((name, heard.counted(name)) for name in _TIME_REPAIRS), key=lambda repair: repair[1])
    if count >= _FEW_REPAIRS and count >= settings.repaired_share * pieces:
        yield Finding(name="times_repaired", detail=f"{count} of {pieces} times had to be mended ({worst})")
