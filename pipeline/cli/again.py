"""The command line as it was typed, for messages that tell how to go on."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping


def same_command(changed: Mapping[str, str] | None = None) -> str:
    """`nightscribe ...` with all its words quoted for a shell, and these options set anew."""
    changed = changed or {}
    kept: list[str] = []
    is_value = False
    for word in sys.argv[1:]:
        if is_value:
            is_value = False
        elif word in changed:
            is_value = True
        elif word.partition("=")[0] not in changed:
            kept.append(word)
    options = [text for option in changed.items() for text in option]
    return f"nightscribe {shlex.join([*kept, *options])}"
