"""Which bytes a request wants (RFC 9110, section 14): what players ask for when they seek. Pure."""

from __future__ import annotations

import re

_ONE_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_MOST_DIGITS = 18  # no object has more bytes; longer numbers are no positions


class UnsatisfiableError(Exception):
    """The range begins behind the end. Control flow for the server: it answers 416."""


def wanted(header: str | None, size_bytes: int) -> range | None:
    """The positions that a Range header asks for; None when the whole is to be sent.

    Several ranges, other units and malformed ones count as none, as RFC 9110 allows. Raises `UnsatisfiableError`.
    """
    found = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if found is None or found[0] == "bytes=-" or max(map(len, found.groups())) > _MOST_DIGITS:
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(size_bytes, int(last) + 1) if last else size_bytes
        if last and int(last) < start:
            return None
    if start >= size_bytes or start >= stop:
        raise UnsatisfiableError
    return range(start, stop)
