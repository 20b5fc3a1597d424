"""The top of a report: the run in a few figures, the archive, and what has changed."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.drawing import Markup, element, stack
from pipeline.models import Changes, Manifest, State, Totals
from pipeline.report import wording
from pipeline.report.layout import section

_STATES = {
    State.DONE: "done",
    State.FAILED: "failed",
    State.UNCERTAIN: "uncertain",
    State.SKIPPED: "skipped",
    State.PENDING: "pending",
}


def head(manifest: Manifest) -> Markup:
    """Which run this is, and its figures."""
    # Another machine, whose clock is behind, may have ended it.
    this, took_s = manifest.this_run, max(0.0, (manifest.finished_at - manifest.started_at).total_seconds())
    done = this.by_state.get(State.DONE, 0)
    # Nobody reads 8,000 hours per hour off a run of a second.
    pace = wording.pace(this.audio_s / took_s) if took_s >= 1 and this.audio_s else "–"
    tiles = (
        ("transcribed", wording.count(done)),
        ("of audio", wording.hours(this.audio_s)),
        ("cost", wording.cost(this)),
        ("took", wording.span(took_s)),
        ("of audio per hour", pace),
        ("failed", wording.count(this.by_state.get(State.FAILED, 0))),
        ("uncertain", wording.count(this.by_state.get(State.UNCERTAIN, 0))),
        ("suspect", wording.count(this.suspect)),
    )
    return element(
        "header",
        element("div", "Nightscribe · report of a run", class_="brand"),
        element("h1", element("bdi", wording.shown(manifest.archive.uri))),
        element(
            "div",
            f"{wording.moment(manifest.started_at)} to {wording.moment(manifest.finished_at)} UTC",
            class_="soft",
        ),
        element("dl", *(_tile(name, figure) for name, figure in tiles), class_="tiles"),
    )


def archive(manifest: Manifest) -> Markup:
    """The whole archive after the run."""
    totals = manifest.totals
    parts = [(name, totals.by_state.get(state, 0)) for state, name in _STATES.items()]
    drawn = [(name, float(number)) for name, number in parts]
    legend = [_legend_entry(name, number, totals.objects) for name, number in parts if number or name == "done"]
    silent = totals.by_reason.get("no_speech", 0)
    objects, words = (
        wording.counted(totals.objects, "object", "objects"),
        wording.counted(totals.words, "word", "words"),
    )
    said = [f"{objects}, {wording.hours(totals.audio_s)} transcribed, {words}; cost {wording.cost(totals)}."]
    if totals.cost_unknown and totals.cost_usd:
        said.append(f"The cost of {wording.counted(totals.cost_unknown, 'transcript', 'transcripts')} is not known.")
    if silent:
        said.append(f"{wording.counted(silent, 'recording holds', 'recordings hold')} no speech.")
    if not manifest.complete:
        said.append("Some objects wait for the next run.")
    return section("The archive", " ".join(said), stack(drawn), element("ul", *legend, class_="legend"))


def changed(manifest: Manifest) -> Markup:
    """What is different from the manifest before."""
    changes = manifest.changes
    if changes is None:
        return section("Since the last run", "There is no manifest of a run before that this one was compared with.")
    if changes.base_run_id is None:
        return section("Since the last run", "This is the archive's first manifest: everything in it is new.")
    counts = (
        ("new objects", changes.new),
        ("audio replaced", changes.replaced),
        ("transcribed with another recipe", changes.recipe_changed),
        ("gone from the archive", changes.gone),
        ("transcribed now, failed or uncertain before", changes.recovered),
        ("failed or uncertain now, not before", changes.newly_failing),
    )
    listed = element(
        "table",
        element("caption", element("b", "Objects that changed")),
        element("tbody", *(_row(name, wording.count(number)) for name, number in counts)),
    )
    return section(
        "Since the last run",
        f"Against run {wording.shown(changes.base_run_id)}. An object may count in more than one line.",
        element("div", element("div", listed), element("div", _before_and_after(changes, manifest)), class_="pairs"),
    )


def _before_and_after(changes: Changes, manifest: Manifest) -> Markup:
    before, after = changes.before, manifest.totals

    def line(name: str, amount: Callable[[Totals], float], written: Callable[[float], str]) -> Markup:
        difference = amount(after) - amount(before)
        sign = "+" if difference > 0 else "−"
        moved = f"{sign}{written(abs(difference))}" if difference else "–"
        return _row(name, written(amount(before)), written(amount(after)), moved)

    def of_state(state: State) -> Callable[[Totals], float]:
        return lambda totals: totals.by_state.get(state, 0)

    def whole(number: float) -> str:
        return wording.count(round(number))

    rows = [line("objects", lambda totals: totals.objects, whole)]
    rows += [
        line(name, of_state(state), whole)
        for state, name in _STATES.items()
        if before.by_state.get(state) or after.by_state.get(state)
    ]
    rows += [
        line("suspect", lambda totals: totals.suspect, whole),
        line("audio", lambda totals: totals.audio_s, wording.hours),
        _row("cost", wording.cost(before), wording.cost(after), "–")
        if before.cost_unknown or after.cost_unknown
        else line("cost", _cost_as_written, wording.usd),
    ]
    titles = ("", "before", "now", "change")
    return element(
        "table",
        element("caption", element("b", "Totals of the archive")),
        element("thead", element("tr", *(element("th", title, scope="col") for title in titles))),
        element("tbody", *rows),
    )


def _cost_as_written(totals: Totals) -> float:
    """Rounded before it is subtracted: what stands in a line must add up."""
    if totals.cost_usd < wording.LEAST_USD:
        return totals.cost_usd
    return round(totals.cost_usd, 2 if totals.cost_usd >= 1 else 4)


def _tile(name: str, figure: str) -> Markup:
    return element("div", element("dt", name), element("dd", figure))


def _legend_entry(name: str, number: int, whole: int) -> Markup:
    swatch = element(
        "svg", element("rect", class_=name, width=10, height=10, rx=2), width=10, height=10, aria_hidden="true"
    )
    return element("li", swatch, element("b", wording.count(number)), f" {name} ({wording.share(number, whole)})")


def _row(name: str, *cells: str) -> Markup:
    return element("tr", element("th", name, scope="row"), *(element("td", cell) for cell in cells))
