"""Draws time and memory over the number of objects, both axes logarithmic, as SVG."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

Row = Mapping[str, Any]
# Told apart without seeing colours, too: each has its own marker.
_LISTINGS = {
    "boto3 loop": ("#8c564b", "s"),
    "s5cmd ls": ("#7f7f7f", "^"),
    "nightscribe plan": ("#1f77b4", "o"),
    "nightscribe plan, one stream": ("#17becf", "D"),
}
_BACKFILL = ("#d62728", "v")
_FINISHING = ("#ff7f0e", "X")
_REDIS = ("#9467bd", "P")


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: a height for each size."""

    label: str
    points: Mapping[int, float]
    style: tuple[str, str]
    is_dashed: bool = False


def plot(results_path: Path, image_path: Path) -> None:
    """Reads the results of `scale` and writes the image. The same results give the same bytes."""
    results = json.loads(results_path.read_text(encoding="utf-8"))
    listings = [row for size in results["night"] for row in size["listings"]]
    backfills = results["first_backfill"]
    with mpl.rc_context({"svg.hashsalt": "nightscribe", "svg.fonttype": "path", "font.size": 9}):
        figure = Figure(figsize=(10, 5), layout="constrained", facecolor="white")  # opaque: legible on dark pages, too
        time_axes, memory_axes = figure.subplots(1, 2)
        _draw(time_axes, "time, seconds", [*_listing_times(listings), *_backfill_times(backfills)])
        _draw(memory_axes, "peak memory, MB", [*_listing_memory(listings), *_backfill_memory(backfills)])
        handles = {label: handle for axes in (time_axes, memory_axes) for handle, label in _legend_of(axes)}
        figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=3, fontsize=8)
        figure.savefig(image_path, format="svg", metadata={"Date": None, "Creator": None})


def _listing_times(rows: Sequence[Row]) -> list[Curve]:
    curves = []
    for latency_s in sorted({row["latency_s"] for row in rows}):
        here = [row for row in rows if row["latency_s"] == latency_s]
        suffix = f" ({latency_s * 1000:g} ms per page)" if latency_s else ""
        for name in _names(here):
            points = _medians([row for row in here if row["contestant"] == name], "wall_s")
            curves.append(Curve(name + suffix, points, _LISTINGS[name], is_dashed=latency_s > 0))
    return curves


def _listing_memory(rows: Sequence[Row]) -> list[Curve]:
    return [
        Curve(name, _medians([row for row in rows if row["contestant"] == name], "peak_mb"), _LISTINGS[name])
        for name in _names(rows)
    ]


def _backfill_times(rows: Sequence[Row]) -> list[Curve]:
    return [
        Curve("first backfill, jobs' end simulated", _medians(rows, "wall_s"), _BACKFILL),
        Curve("of that: from the last job to the end", _medians(rows, "finishing_s"), _FINISHING),
    ]


def _backfill_memory(rows: Sequence[Row]) -> list[Curve]:
    return [
        Curve("first backfill, jobs' end simulated", _medians(rows, "peak_mb"), _BACKFILL),
        Curve("Redis in that backfill", _medians(rows, "redis_peak_mb"), _REDIS),
    ]


def _draw(axes: Axes, title: str, curves: Sequence[Curve]) -> None:
    for curve in curves:
        colour, marker = curve.style
        line = "--" if curve.is_dashed else "-"
        heights = list(curve.points.values())
        axes.plot(list(curve.points), heights, line, color=colour, marker=marker, markersize=4, label=curve.label)
    axes.set(xscale="log", yscale="log", xlabel="audio objects in the archive", title=title)
    axes.set_xticks(sorted({size for curve in curves for size in curve.points}))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, which="major", color="#dddddd")


def _legend_of(axes: Axes) -> list[tuple[Any, str]]:
    return list(zip(*axes.get_legend_handles_labels(), strict=True))


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["contestant"] for row in rows))


def _medians(rows: Sequence[Row], field: str) -> dict[int, float]:
    sizes = sorted({row["objects"] for row in rows})
    return {size: median(row[field] for row in rows if row["objects"] == size) for size in sizes}
