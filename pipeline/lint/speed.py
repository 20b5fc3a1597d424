"""Words per minute: nobody speaks that slowly for so long, and nobody that fast."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.lint.heard import Heard
from pipeline.lint.tokens import is_unspaced
from pipeline.models import Finding
from pipeline.settings import LintSettings


def speed(heard: Heard, settings: LintSettings) -> Iterator[Finding]:
    """`few_words` or `many_words`: against the length of the audio, by characters where words cannot be counted."""
    if heard.is_silent or heard.duration_s is None or heard.duration_s < settings.speed_from_s:
        return
    per_minute = len(heard.tokens) / (heard.duration_s / 60)
    if is_unspaced(heard.tokens):
        unit, least, most = "characters", settings.characters_per_minute_min, settings.characters_per_minute_max
    else:
        unit, least, most = "words", settings.words_per_minute_min, settings.words_per_minute_max
    said = f"{per_minute:.0f} {unit} per minute"
    if per_minute < least:
        yield Finding(name="few_words", detail=f"{said}; speech has at least {least:g}")
    elif per_minute > most:
        yield Finding(name="many_words", detail=f"{said}; nobody says more than {most:g}")
