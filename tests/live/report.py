"""The table of docs/fal-live.md, and what a run has found, for people and as JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from live.asking import ENDPOINTS, Observed
from live.judging import listed_prices
from live.point import Found, Point
from live.points import ASKED
from live.unasked import UNASKED

from pipeline.redaction import redact

POINTS = (*ASKED, *UNASKED)
_MARKS = {True: "as expected", False: "DIFFERS", None: "open"}


def page_table() -> str:
    """The points as a Markdown table."""
    heads = "| point | what | taken for true | so far | rests on it | `make live` |"
    rows = (
        f"| `{point.name}` | {point.question} | {point.taken} | {point.known} | {'yes' if point.rests else 'no'} | "
        f"{'asks' if point.judge else point.why_not} |"
        for point in POINTS
    )
    return "\n".join((heads, "|---|---|---|---|---|---|", *rows))


def findings(observed: Observed) -> dict[str, Found]:
    """What was found of each point that was asked, without secrets."""
    found = {point.name: point.found(observed) for point in ASKED}
    return {name: Found(redact(each.text), each.agrees) for name, each in found.items()}


def troubles(found: Mapping[str, Found]) -> list[Point]:
    """The points on which the code rests, and which are not as it takes them to be, or were not found out."""
    return [point for point in ASKED if point.rests and found[point.name].agrees is not True]


def lines(found: Mapping[str, Found]) -> Iterator[str]:
    """Point, expected and found, in columns that may be read on a terminal."""
    width = max(len(point.name) for point in ASKED)
    for point in ASKED:
        each = found[point.name]
        yield f"{point.name:<{width}}  {_MARKS[each.agrees]}"
        yield f"{'':<{width}}    expected  {point.taken}"
        yield f"{'':<{width}}    found     {each.text}"


def cost_usd(observed: Observed) -> float | None:
    """What was paid by fal's own units and prices; None when it has told none of them."""
    prices = listed_prices(observed)
    costs = [units * prices[ENDPOINTS[label]] for label, units in observed.units.items() if ENDPOINTS[label] in prices]
    return sum(costs) if costs else None


def as_json(found: Mapping[str, Found], observed: Observed, at: datetime, cost_usd: float | None) -> str:
    """The report file."""
    points = {
        point.name: {"expected": point.taken, "found": found[point.name].text, "agrees": found[point.name].agrees}
        for point in ASKED
    }
    whole = {
        "at": at.isoformat(timespec="seconds"),
        "points": points,
        "not_asked": {point.name: point.why_not for point in UNASKED},
        "billable_units": observed.units,
        "cost_usd": cost_usd,
        "broken_off": observed.broken,
    }
    return json.dumps(whole, indent=1) + "\n"
