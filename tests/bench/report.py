"""What is printed about measurements: tables in Markdown, medians over the rounds. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

Row = Mapping[str, Any]
_PEER = "boto3 loop"


def tables(results: Mapping[str, Any]) -> list[str]:
    """Everything measured, as lines."""
    lines: list[str] = []
    for size in results["night"]:
        lines += ["", *listings(size["listings"]), "", *requests(size["run"])]
    if results["first_backfill"]:
        lines += ["", *backfills(results["first_backfill"])]
    return lines


def listings(rows: Sequence[Row]) -> list[str]:
    """The contestants of one size side by side, for each latency."""
    header = [
        "objects",
        "ms per page",
        "",
        "s",
        "times boto3's",
        "CPU s",
        "server's CPU s",
        "peak MB",
        "LIST",
        "needed",
        "GET",
        "HEAD",
    ]
    body = []
    for latency_s in _each(rows, "latency_s"):
        here = [row for row in rows if row["latency_s"] == latency_s]
        peer_s = _median(here, _PEER, "wall_s")
        for name in _each(here, "contestant"):
            operations = [row["operations"] for row in here if row["contestant"] == name]
            body.append(
                [
                    f"{here[0]['objects']:,}",
                    f"{latency_s * 1000:g}",
                    name,
                    f"{_median(here, name, 'wall_s'):.2f}",
                    f"{_median(here, name, 'wall_s') / peer_s:.2f}",
                    f"{_median(here, name, 'cpu_s'):.2f}",
                    f"{_median(here, name, 'server_cpu_s'):.2f}",
                    f"{_median(here, name, 'peak_mb'):.0f}",
                    f"{max(each.get('list', 0) for each in operations)}",
                    f"{here[0]['pages_needed']}",
                    f"{max(each.get('get', 0) for each in operations)}",
                    f"{max(each.get('head', 0) for each in operations)}",
                ]
            )
    return table(header, body)


def requests(run: Row) -> list[str]:
    """What one nightly run asked of S3."""
    names = ["list", "get", "put", "head", "delete", "delete_many", "other"]
    body = [
        [when, *(str(counts.get(name, 0)) for name in names), str(sum(counts.values()))]
        for when, counts in (("before submission", run["before_submission"]), ("in all", run["operations"]))
    ]
    about = (
        f"A night with {run['new']} new of {run['objects']:,} objects: {run['wall_s']:.1f} s, peak "
        f"{run['peak_mb']:.0f} MB; {run['pages_needed']} pages hold all keys."
    )
    return [about, "", *table(["requests", *names, "sum"], body)]


def backfills(rows: Sequence[Row]) -> list[str]:
    """The first backfills, one line per size."""
    header = ["objects", "objects/s", "s to the last job", "s to the manifest", "peak MB", "Redis peak MB", "requests"]
    body = [
        [
            f"{row['objects']:,}",
            f"{row['objects_per_s']:,.0f}",
            f"{row['enqueueing_s']:.1f}",
            f"{row['finishing_s']:.1f}",
            f"{row['peak_mb']:.0f}",
            f"{row['redis_peak_mb']:.1f}",
            f"{sum(row['operations'].values()):,}",
        ]
        for row in rows
    ]
    return table(header, body)


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    rows = [header, *body]
    widths = [max(len(row[at]) for row in rows) for at in range(len(header))]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in rows]
    return [lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]]


def _each(rows: Sequence[Row], name: str) -> list[Any]:
    """The values of a field, each once, in their order."""
    return list(dict.fromkeys(row[name] for row in rows))


def _median(rows: Sequence[Row], contestant: str, name: str) -> float:
    values: list[float] = [row[name] for row in rows if row["contestant"] == contestant]
    return median(values)
