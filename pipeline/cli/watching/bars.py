"""Bars, sparklines, times and amounts for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.text import Text

_HEIGHTS = "▁▂▃▄▅▆▇█"
_S_PER_DAY = 86_400


DONE, UNDER_WAY, OPEN = "━", "╍", "─"
"""What the parts of a bar are drawn with, for terminals without colours."""


def stacked(parts: Sequence[tuple[int, str, str]], width: int) -> Text:
    """A bar of exactly this width, whose parts are as long as their numbers; whatever is not zero is seen.

    A part is its number, what it is drawn with, and its style.
    """
    total = sum(number for number, *_ in parts)
    if total <= 0:
        return Text("─" * width, style="dim")
    bar, done, drawn = Text(), 0, 0
    for place, (number, drawn_with, style) in enumerate(parts):
        done += number
        behind = sum(1 for later, *_ in parts[place + 1 :] if later)  # a column is kept for each
        until = min(max(round(done * width / total), drawn + (number > 0)), width - behind)
        bar.append(drawn_with * max(0, until - drawn), style)
        drawn = max(drawn, until)
    return bar


def sparkline(figures: Iterable[float], width: int) -> str:
    """The last figures as columns, from zero to the highest among them."""
    shown = list(figures)[-width:]
    highest = max(shown, default=0.0)
    if highest <= 0:
        return _HEIGHTS[0] * len(shown)
    return "".join(_HEIGHTS[round(max(0.0, figure) / highest * (len(_HEIGHTS) - 1))] for figure in shown)


def lasting(seconds: float) -> str:
    """`0:07`, `12:34`, `1:02:03`, `2 days 3:04:05`."""
    days, rest = divmod(max(0, round(seconds)), _S_PER_DAY)
    minutes, second = divmod(rest, 60)
    hours, minute = divmod(minutes, 60)
    clock = f"{hours}:{minute:02d}:{second:02d}" if hours or days else f"{minute}:{second:02d}"
    return f"{days} day{'s' if days > 1 else ''} {clock}" if days else clock


def at_clock(moment: datetime, now: datetime) -> str:
    """The time on this machine's clock, with the day when it is another one."""
    here, today = moment.astimezone(), now.astimezone()
    return f"{here:%H:%M}" if here.date() == today.date() else f"{here:%a %d %b, %H:%M}"


def usd(amount: float) -> str:
    """To the cent from a dollar on, finer below."""
    return f"{amount:.2f}" if amount >= 1 else f"{amount:.4f}"
