"""Bars, columns and stacks as SVG. Across they are measured in percent, so that text keeps its size at any width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.drawing.markup import Markup, element
from pipeline.drawing.scales import nice_ceiling

_HEIGHT_PX = 132
_HEAD_PX = 18  # room for the number on the topmost line
_FOOT_PX = 22  # room for the labels below
_GAP = 0.18  # of a column's place, so that neighbours stay apart
_LEAST_PX = 1.5  # what is not nothing is seen


@dataclass(frozen=True, slots=True)
class Column:
    """One column: parts from the bottom up, in the order of the chart's classes; `title` says it in words."""

    title: str
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A label below the columns; `at` is its place, 0 the left end and 1 the right."""

    at: float
    label: str


def columns(
    label: str, series: Sequence[Column], classes: Sequence[str], ticks: Sequence[Tick], number: Callable[[float], str]
) -> Markup:
    """Columns beside one another. `label` says the whole chart in a sentence; `number` writes the scale's numbers."""
    top = nice_ceiling(max((sum(column.parts) for column in series), default=0.0))
    base_px = _HEAD_PX + _HEIGHT_PX
    lines = [_line(share, base_px, number(top * share) if share else None) for share in (0.0, 0.5, 1.0)]
    place = 100.0 / max(1, len(series))
    bars = [
        _stacked(column, classes, x=index * place + place * _GAP / 2, width=place * (1 - _GAP), top=top)
        for index, column in enumerate(series)
        if sum(column.parts)
    ]
    labels = [_label(tick, base_px + _FOOT_PX - 6) for tick in ticks]
    return element(
        "svg",
        *lines,
        *bars,
        *labels,
        class_="chart",
        role="img",
        aria_label=label,
        width="100%",
        height=base_px + _FOOT_PX,
    )


def bar(share: float, class_: str = "done") -> Markup:
    """A bar of this share of its place, 0 to 1. The number stands beside it, so that it is drawn for the eye alone."""
    filled = element("rect", class_=class_, width=_percent(share * 100), height="100%", rx=1.5) if share > 0 else None
    return element("svg", filled, class_="bar", aria_hidden="true", width="100%", height=8)


def stack(parts: Sequence[tuple[str, float]]) -> Markup:
    """One bar of parts side by side, each a class and an amount; as `bar`, for the eye alone."""
    total = sum(amount for _, amount in parts)
    drawn, x = [], 0.0
    for class_, amount in parts:
        width = 100 * amount / total if total else 0.0
        if width:
            drawn.append(element("rect", class_=class_, x=_percent(x), width=_percent(width), height="100%"))
        x += width
    return element("svg", *drawn, class_="stack", aria_hidden="true", width="100%", height=12)


def _stacked(column: Column, classes: Sequence[str], *, x: float, width: float, top: float) -> Markup:
    drawn, y_px = [], float(_HEAD_PX + _HEIGHT_PX)
    for class_, part in zip(classes, column.parts, strict=True):
        if part <= 0:
            continue
        height_px = max(_LEAST_PX, _HEIGHT_PX * part / top)
        y_px -= height_px
        drawn.append(element("rect", class_=class_, x=_percent(x), y=y_px, width=_percent(width), height=height_px))
    return element("g", element("title", column.title), *drawn)


def _line(share: float, base_px: int, written: str | None) -> Markup:
    y_px = base_px - _HEIGHT_PX * share
    number = element("text", written, x="0", y=y_px - 4) if written else None
    return element("g", element("line", x1="0", x2="100%", y1=y_px, y2=y_px), number)


def _label(tick: Tick, y_px: int) -> Markup:
    # At the ends a centred label would be cut off.
    near_end = 0.04
    anchor = "start" if tick.at < near_end else "end" if tick.at > 1 - near_end else "middle"
    return element("text", tick.label, x=_percent(tick.at * 100), y=y_px, text_anchor=anchor)


def _percent(number: float) -> str:
    return f"{number:.4g}%"
