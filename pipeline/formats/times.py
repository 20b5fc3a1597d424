"""Times as subtitle files write them. Pure."""

from __future__ import annotations


def timestamp(seconds: float, point: str = ".") -> str:
    """`HH:MM:SS.mmm`; hours grow beyond two digits when they must. Negative times are shown as zero."""
    return _shown(milliseconds(seconds), point)


def span(start_ms: int, end_ms: int, point: str = ".") -> str:
    """`START --> END`."""
    return f"{_shown(start_ms, point)} --> {_shown(end_ms, point)}"


def milliseconds(seconds: float) -> int:
    """The same in whole milliseconds, from 0."""
    return max(0, round(seconds * 1000))


def _shown(time_ms: int, point: str) -> str:
    minutes, rest = divmod(time_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}{point}{rest % 1000:03d}"
