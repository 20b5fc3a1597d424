"""Times and texts as subtitle files write them. Pure."""

from __future__ import annotations


def timestamp(seconds: float, point: str = ".") -> str:
    """`HH:MM:SS.mmm`; hours grow beyond two digits when they must. Negative times are shown as zero."""
    return _shown(_milliseconds(seconds), point)


def span(start_s: float, end_s: float, point: str = ".") -> str:
    """`START --> END`, at least a millisecond long: players refuse a cue that ends where it starts."""
    start_ms = _milliseconds(start_s)
    return f"{_shown(start_ms, point)} --> {_shown(max(_milliseconds(end_s), start_ms + 1), point)}"


def one_line(text: str) -> str:
    """The text with every run of white space as one space: a blank line would end a cue."""
    return " ".join(text.split())


def _milliseconds(seconds: float) -> int:
    return max(0, round(seconds * 1000))


def _shown(milliseconds: int, point: str) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
