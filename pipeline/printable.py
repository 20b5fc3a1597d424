"""Makes text of others fit for a terminal: keys, messages and transcripts may hold what moves its cursor. Pure."""

from __future__ import annotations

import re

# C0 and DEL; C1, which some terminals take for escape sequences; separators that end a line for some programs;
# what turns the direction of writing, so that a key looks like another; and halves of characters (an argument that
# is not UTF-8), which cannot be written at all.
_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str, keep: str = "") -> str:
    r"""The text with each such character as its escape (`\x1b`), but for those in `keep`."""

    def escaped(found: re.Match[str]) -> str:
        return found[0] if found[0] in keep else found[0].encode("unicode_escape").decode()

    return _COMMANDS.sub(escaped, text)


def printable_json(text: str) -> str:
    """JSON text that says exactly the same, with each such character as JSON escapes it; its own lines stay."""
    return _COMMANDS.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", text)
