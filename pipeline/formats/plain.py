"""Text as a line of a file can hold it. Pure."""

from __future__ import annotations

import re

# Marks that embed, override or isolate a direction have to be closed, and a text that is cut into lines closes none.
# Players find the direction of each line from its letters; the single marks (LRM, RLM, ALM) stay. A byte order mark
# would be taken off by whoever reads the first bytes of a file.
_UNWANTED = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")


def one_line(text: str) -> str:
    """The text without control characters, every run of white space as one space: a blank line would end a cue."""
    return " ".join(_CONTROLS.sub(" ", _UNWANTED.sub("", text)).split())
