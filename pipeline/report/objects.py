"""The lists of a report: what failed and why, what is uncertain, what reads wrong, what was left, and the shows.

Each is bounded, and says how much it leaves out: keys may be a kilobyte long, and the file is to stay below 300.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pipeline.drawing import Markup, bar, element
from pipeline.models import Manifest, Place, State
from pipeline.report import wording
from pipeline.report.advice import FINDINGS, action, next_step
from pipeline.report.gathering import Gathering
from pipeline.report.layout import prose, section
from pipeline.report.shows import Show
from pipeline.report.troubles import Told, Trouble

_REASONS_SHOWN = 8
_FAILURES_BYTES = 100_000  # these three count only where keys are very long: then fewer objects are shown
_UNCERTAIN_BYTES = 40_000
_SUSPECTS_BYTES = 50_000
_UNCERTAIN_REASONS_SHOWN = 2
_SHOWS_SHOWN = 25
_NAME_CHARACTERS = 120
_REASON_CHARACTERS = 80


def failures(manifest: Manifest, gathering: Gathering) -> Markup:
    """What failed, by reason, with examples and what to do."""
    troubles = gathering.troubles.most(State.FAILED)
    if not troubles:
        return section("Failures", "None, in the whole archive.")
    of_run, in_all = sum(one.of_run for one in troubles), sum(one.in_all for one in troubles)
    counts = f"{wording.count(of_run)} in this run, {wording.count(in_all)} in the whole archive."
    said = f"{counts} Examples are of this run first."
    return section("Failures", said, *_listed(troubles, manifest, _REASONS_SHOWN, _FAILURES_BYTES))


def uncertain(manifest: Manifest, gathering: Gathering) -> Markup | None:
    """What may have been paid for, and is never sent again on a guess."""
    troubles = gathering.troubles.most(State.UNCERTAIN)
    if not troubles:
        return None
    in_all = sum(one.in_all for one in troubles)
    said = (
        f"Of {wording.counted(in_all, 'object', 'objects')} it is not known whether fal has accepted the request. "
        "Nothing is sent again before it is."
    )
    return section("Uncertain", said, *_listed(troubles, manifest, _UNCERTAIN_REASONS_SHOWN, _UNCERTAIN_BYTES))


def suspects(manifest: Manifest, gathering: Gathering) -> Markup:
    """Transcripts of this run that read wrong."""
    found = gathering.suspects
    elsewhere = manifest.totals.suspect - found.count
    before = f" Another {wording.counted(elsewhere, 'is', 'are')} of earlier runs." if elsewhere > 0 else ""
    if not found.count:
        return section("Suspect transcripts", f"None in this run.{before}")
    by_finding = sorted(found.by_finding.items(), key=lambda one: (-one[1], one[0]))
    rows = [
        element(
            "tr",
            element(
                "th",
                element("code", wording.shown(name)),
                " ",
                element("span", FINDINGS.get(name), class_="soft"),
                scope="row",
            ),
            element("td", wording.count(number)),
        )
        for name, number in by_finding
    ]
    worst = _fitting((_suspect(one, manifest.output) for one in found.worst()), _SUSPECTS_BYTES)
    shown = f"The {len(worst)} with the most findings:" if found.count > len(worst) else "All of them:"
    return section(
        "Suspect transcripts",
        f"{wording.counted(found.count, 'transcript of this run reads', 'transcripts of this run read')} as if some"
        f"thing went wrong: listen before trusting.{before}",
        element("table", element("tbody", *rows)),
        element("p", shown, class_="soft below"),
        element("ul", *worst, class_="objects"),
    )


def left(gathering: Gathering) -> Markup | None:
    """What was left out on purpose, or waits."""
    troubles = gathering.troubles.most(State.SKIPPED, State.PENDING)
    if not troubles:
        return None
    rows = [
        _left(element("code", wording.shortened(one.reason, _REASON_CHARACTERS)), action(one.reason), one.in_all)
        for one in troubles[:_REASONS_SHOWN]
    ]
    if rest := troubles[_REASONS_SHOWN:]:
        rows.append(_left(f"{len(rest)} other reasons", "", sum(one.in_all for one in rest)))
    return section("Left out, or waiting", None, element("table", element("tbody", *rows)))


def _left(reason: str, said: str, number: int) -> Markup:
    told = element("span", prose(said), class_="soft")
    return element("tr", element("th", reason, " ", told, scope="row"), element("td", wording.count(number)))


def shows(manifest: Manifest, gathering: Gathering) -> Markup | None:
    """The largest shows, with hours and cost in the archive and in this run."""
    largest, number_of_others, others = gathering.shows.largest(_SHOWS_SHOWN)
    if not largest:
        return None
    longest = max(show.audio_s for show in largest)
    rows = [_show(show, show.audio_s / longest if longest else 0.0) for show in largest]
    rest = None
    if number_of_others or gathering.shows.uncounted_apart:
        more = "more than " if gathering.shows.uncounted_apart else ""
        name = f"{more}{wording.counted(number_of_others, 'other show', 'other shows')}"
        rest = element("tfoot", element("tr", element("th", name, scope="row"), *_sums(others)))
    unknown = " A question mark is a cost that is not known." if manifest.totals.cost_unknown else ""
    titles = ("show", "episodes", "hours", "USD", "hours in this run", "USD in this run", "failing")
    wide = {"hours in this run", "USD in this run"}
    head = (element("th", title, scope="col", class_="wide" if title in wide else None) for title in titles)
    return section(
        "Shows",
        f"By hours of transcribed audio in the whole archive. A show is the first folder of its keys.{unknown}",
        element("table", element("thead", element("tr", *head)), element("tbody", *rows), rest, class_="shows"),
    )


def _fitting(made: Iterable[Markup], most_bytes: int) -> list[Markup]:
    """As many as fit into so many bytes, and one at least."""
    fitting: list[Markup] = []
    for one in made:
        most_bytes -= len(one.encode())
        if most_bytes < 0 and fitting:
            break
        fitting.append(one)
    return fitting


def _listed(troubles: Sequence[Trouble], manifest: Manifest, most: int, most_bytes: int) -> list[Markup]:
    listed = _fitting((_trouble(one, manifest) for one in troubles[:most]), most_bytes)
    if rest := troubles[len(listed) :]:
        number = sum(one.in_all for one in rest)
        said = f"And {wording.counted(number, 'object', 'objects')} for {len(rest)} other reasons: "
        names = ", ".join(f"{wording.shortened(one.reason, 40)} ({wording.count(one.in_all)})" for one in rest[:20])
        listed.append(element("p", f"{said}{names}.", class_="soft"))
    return listed


def _trouble(trouble: Trouble, manifest: Manifest) -> Markup:
    said, command = next_step(trouble, manifest)
    return element(
        "div",
        element(
            "h3",
            element("code", wording.shortened(trouble.reason, _REASON_CHARACTERS)),
            element("span", f"{wording.count(trouble.of_run)} in this run, {wording.count(trouble.in_all)} in all"),
        ),
        element("div", prose(action(trouble.reason, is_permanent=trouble.is_permanent))),
        element("div", said, " ", element("code", wording.shown(command)) if command else None, class_="soft"),
        element("ul", *(_example(one) for one in trouble.examples), class_="objects"),
        class_="trouble",
    )


def _example(one: Told) -> Markup:
    # Most messages begin with the address, which stands above already.
    said = (one.message or "").removeprefix(f"s3://{one.bucket}/{one.key}").lstrip(": ")
    sentence = said if said.startswith("fal ") else f"{said[:1].upper()}{said[1:]}"  # which writes itself so
    told = element("div", wording.shortened(sentence), class_="soft") if said else None
    return element("li", wording.address(one.bucket, one.key), told)


def _suspect(one: Told, output: Place) -> Markup:
    """The sidecar's address, which has the object's key in it."""
    where = wording.address(output.bucket, one.sidecar_key) if one.sidecar_key else wording.address(one.bucket, one.key)
    length = f" · {wording.span(one.duration_s)}" if one.duration_s else ""
    return element("li", where, element("div", f"{wording.shortened(', '.join(one.suspect))}{length}", class_="soft"))


def _show(show: Show, share: float) -> Markup:
    name = "(no folder)" if show.name is None else wording.shortened(show.name, _NAME_CHARACTERS) or "(no name)"
    return element("tr", element("th", element("bdi", name), bar(share), scope="row"), *_sums(show))


def _sums(show: Show) -> tuple[Markup, ...]:
    is_of_run = show.run_episodes or show.run_cost_usd  # what failed may have cost something
    return (
        element("td", wording.count(show.episodes)),
        element("td", _hours(show.audio_s)),
        element("td", _usd(show.cost_usd, show.cost_unknown)),
        element("td", _hours(show.run_audio_s) if show.run_episodes else "–", class_="wide"),
        element("td", _usd(show.run_cost_usd, show.run_cost_unknown) if is_of_run else "–", class_="wide"),
        element("td", wording.count(show.failing) if show.failing else "–"),
    )


def _hours(seconds: float) -> str:
    """As elsewhere, without the unit: it stands at the head of the column, for the room of a telephone."""
    return wording.hours(seconds).removesuffix(" h")


def _usd(amount: float, unknown: int) -> str:
    """A question mark stands for what is not known."""
    known = wording.usd(amount).removesuffix(" USD")
    return known if not unknown else f"{known} + ?" if amount else "?"
