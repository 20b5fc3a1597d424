"""How fast a run was: what was done when, and how lengths and waits are spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from pipeline.drawing import Column, Markup, Tick, bar, columns, element
from pipeline.models import Manifest
from pipeline.report import wording
from pipeline.report.gathering import Gathering
from pipeline.report.layout import section
from pipeline.report.spreads import Spread
from pipeline.report.timeline import MOST_BINS, Bin, Timeline

_TICK_STEPS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_MOST_TICKS = 5  # so many times of day fit beside one another on a telephone
_DAY_S = 86400
_MINUTE_S = 60
_LENGTHS = (
    *("under 1 min", "1–5 min", "5–10 min", "10–20 min", "20–30 min", "30–45 min", "45–60 min"),
    *("1–1½ h", "1½–2 h", "2–3 h", "over 3 h"),
)
_WAITS = (
    *("under 5 s", "5–10 s", "10–20 s", "20–30 s", "30–60 s", "1–2 min", "2–5 min", "5–10 min"),
    *("10–30 min", "30–60 min", "over 1 h"),
)
_SHARES = ("under 0.5 %", "0.5–1 %", "1–2 %", "2–5 %", "5–10 %", "10–20 %", "20–50 %", "50–100 %", "over 100 %")


def over_time(manifest: Manifest, gathering: Gathering) -> Markup:
    """Two charts over the same time: objects, and hours of audio per hour."""
    timeline = gathering.timeline
    if not timeline.bins:
        return section("Over time", "Nothing was settled by this run.")
    bins = _to_the_end(timeline, manifest)
    ticks = _ticks(timeline.started_at, len(bins) * timeline.width_s)
    width = wording.span(timeline.width_s) if timeline.width_s >= 10 else f"{timeline.width_s} s"  # noqa: PLR2004
    settled = [
        Column(f"{_when(timeline, index)}: {one.done} done, {one.failed} failed or uncertain", (one.done, one.failed))
        for index, one in enumerate(bins)
    ]
    paces = [one.audio_s / timeline.width_s for one in bins]
    speeds = [
        Column(f"{_when(timeline, index)}: {wording.pace(pace)} of audio per hour", (pace,))
        for index, pace in enumerate(paces)
    ]
    most = max(range(len(bins)), key=lambda index: bins[index].done)
    fastest = max(range(len(bins)), key=lambda index: paces[index])
    peak = f"Most at {_at(timeline, most)}: {wording.counted(bins[most].done, 'transcript', 'transcripts')}."
    top = f"Fastest at {_at(timeline, fastest)}: {wording.pace(paces[fastest])} of audio per hour."
    return section(
        "Over time",
        f"Each column is {width}; times are UTC.",
        _figure("Objects settled", f"{peak} Failed and uncertain ones stand on top.", settled, ticks),
        _figure("Hours of audio per hour", top, speeds, ticks),
    )


def spreads(gathering: Gathering) -> Markup | None:
    """How long episodes are, how long they took, and what part of their length that is."""
    if not gathering.lengths.count and not gathering.waits.count:
        return None
    tables = (
        _spread("Length of the episodes", gathering.lengths, _LENGTHS, wording.span),
        _spread("From submission to result", gathering.waits, _WAITS, wording.span),
        _spread("That time, as part of the length", gathering.shares, _SHARES, _percent),
    )
    return section(
        "Lengths and waits",
        "The episodes that this run transcribed, and how long their results took.",
        element("div", *tables, class_="pairs"),
    )


def _figure(title: str, said: str, series: Sequence[Column], ticks: Sequence[Tick]) -> Markup:
    classes = ("done", "failed")[: len(series[0].parts)]
    drawn = columns(f"{title} over time. {said}", series, classes, ticks, lambda number: f"{number:,.10g}")
    return element("figure", element("h3", title), element("figcaption", said), drawn)


def _spread(title: str, spread: Spread, labels: Sequence[str], written: Callable[[float], str]) -> Markup | None:
    half, most = spread.quantile(0.5), spread.quantile(0.95)
    if half is None or most is None:
        return None
    fullest = max(spread.bins)
    rows = [
        element(
            "tr",
            element("th", label, scope="row"),
            element("td", bar(number / fullest), class_="drawn"),
            element("td", wording.count(number)),
            element("td", wording.share(number, spread.count)),
        )
        for label, number in zip(labels, spread.bins, strict=True)
    ]
    below, nearly_all = (written(amount).replace(" ", "\u00a0") for amount in (half, most))  # figures are not parted
    said = f"Half below {below}, 95\u00a0% below {nearly_all}."
    caption = element("caption", element("b", title), element("br"), said)
    return element("table", caption, element("tbody", *rows), class_="spread")


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 1 else f"{100 * share:,.0f} %"


def _to_the_end(timeline: Timeline, manifest: Manifest) -> list[Bin]:
    """The bins up to the end of the run, where they are not too many: that nothing was settled is to be seen too."""
    whole = int((manifest.finished_at - timeline.started_at).total_seconds() // timeline.width_s) + 1
    return timeline.bins + [Bin() for _ in range(min(whole, MOST_BINS) - len(timeline.bins))]


def _ticks(start: datetime, long_s: float) -> list[Tick]:
    """Round times of day, at most five."""
    step_s = next((step for step in _TICK_STEPS_S if long_s / step < _MOST_TICKS), None)
    if step_s is None:
        step_s = _DAY_S * -(-int(long_s) // (_DAY_S * _MOST_TICKS))
    form = "%H:%M:%S" if step_s < _MINUTE_S else "%H:%M" if step_s < _DAY_S else "%d %b"
    first_s = step_s - start.timestamp() % step_s if start.timestamp() % step_s else 0.0
    ticks = []
    while first_s <= long_s:
        ticks.append(Tick(first_s / long_s, f"{start + timedelta(seconds=first_s):{form}}"))
        first_s += step_s
    return ticks


def _at(timeline: Timeline, index: int) -> str:
    at = timeline.started_at + timedelta(seconds=index * timeline.width_s)
    form = "%H:%M:%S" if timeline.width_s < _MINUTE_S else "%H:%M" if timeline.width_s < _DAY_S else "%d %b"
    return f"{at:{form}}"


def _when(timeline: Timeline, index: int) -> str:
    return f"{_at(timeline, index)}–{_at(timeline, index + 1)}"
