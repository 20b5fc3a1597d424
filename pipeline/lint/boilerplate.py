"""What models say about silence: the thanks and credits of the subtitles that they were trained on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.lint.heard import Heard
from pipeline.lint.known import CREDITS, THANKS
from pipeline.lint.tokens import tokens
from pipeline.models import Finding
from pipeline.settings import LintSettings

# A full stop ends one before a space only: M.K. has none. The marks of other scripts need no space.
_SENTENCE_END = re.compile(r"[.!?…]+(?:\s|$)|[。！？؟।\n]+")  # noqa: RUF001


def boilerplate(heard: Heard, settings: LintSettings) -> Iterator[Finding]:
    """`boilerplate`: thanks and credits are most of what was heard, or credits come again and again."""
    said, credited, phrase, at_s = 0, 0, "", None
    total = len(heard.tokens)
    for number, piece in enumerate(heard.pieces):
        for sentence in _SENTENCE_END.split(piece):
            words = tokens(sentence)
            plain = " ".join(words)
            is_credit = any(credit in plain for credit in CREDITS)
            if not is_credit and plain not in THANKS:
                continue
            said += len(words)
            credited += is_credit
            if not phrase:
                phrase = sentence.strip()
                at_s = heard.segments[number].start if heard.segments else None
    is_long = heard.duration_s is None or heard.duration_s >= settings.boilerplate_from_s
    is_most_of_it = is_long and total > 0 and said >= settings.boilerplate_share * total
    if is_most_of_it or credited >= settings.boilerplate_credits:
        detail = f"{phrase!r} and the like are {100 * said / total:.0f} % of the text: models say so about silence"
        yield Finding(name="boilerplate", detail=detail, at_s=at_s)
