"""The page of a report: HTML whatever the rows hold, nothing but text of theirs, and the manifest's figures."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import builders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from legal_keys import ODD
from reported import ARCHIVE, STARTED_AT, facts, finished, two_nights

from pipeline.errors import ForeignObjectError, NightscribeError
from pipeline.models import Place, State
from pipeline.report import Gathering, Report, page, write
from pipeline.report.advice import FINDINGS, action
from pipeline.report.wording import cost, hours, pace, share, shown, span, usd
from pipeline.storage.memory import MemoryStorage

ROOT = Path(__file__).parents[3]
WHOLE = Place(bucket="podcasts")
VOID = {"meta", "br"}
ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "header",
        "section",
        "footer",
        "div",
        "span",
        "p",
        "br",
    ),
    *("h1", "h2", "h3", "b", "bdi", "code", "dl", "dt", "dd", "ul", "li", "figure", "figcaption"),
    *("table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "svg", "g", "rect", "line", "text"),
}
any_key = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.text("<>&\"'/`\\\x00\x1b\u202e\u200f;=", min_size=1, max_size=40),
    st.sampled_from(ODD),
)


class Reader(HTMLParser):
    """Reads a page as strictly as HTML can be read: every element ends where it must."""

    def __init__(self):
        super().__init__()
        self.open, self.texts, self.addresses, self.attributes = [], [], [], set()

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED, tag
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("class")))
        if self.open[-1] == ("bdi", "key"):
            self.addresses.append("")

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open and self.open[-1][0] != "style":
            self.texts.append(data)
            if self.open[-1] == ("bdi", "key"):
                self.addresses[-1] += data

    @property
    def text(self):
        return " ".join(self.texts)


def read(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


def report_of(rows, archive=WHOLE, **changes):
    made, gathering = finished(MemoryStorage(), facts("run1", archive=archive), rows, **changes)
    return made, page(Report(made, gathering))


states = st.sampled_from([State.FAILED, State.UNCERTAIN, State.DONE])


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(any_key, states, min_size=1, max_size=6), any_key, any_key)
def test_any_rows_make_html_in_which_every_key_is_text(rows, odd, prefix):
    """Of each state the first three are examples; done ones are suspect, so that each is listed."""
    _, text = report_of(
        [
            builders.row(
                key,
                state,
                run_id="run1",
                reason=None if state is State.DONE else "not_audio" if state is State.FAILED else odd,
                message=odd,
                duration_s=90.0,
                permanent=True,
                suspect=("loop", odd) if state is State.DONE else (),
                settled_at=STARTED_AT,
                sidecar_key=key,
            )
            for key, state in rows.items()
        ],
        archive=Place(bucket="podcasts", prefix=prefix),
    )

    reader = read(text)

    told = set(reader.addresses)
    for state in (State.FAILED, State.UNCERTAIN, State.DONE):
        of_state = {shown(f"s3://podcasts/{key}") for key, one in rows.items() if one is state}
        assert len(of_state & told) >= min(3, len(of_state))
    assert not reader.attributes & {"href", "src", "style", "onclick", "onload"}
    assert not {character for character in text if ord(character) < 32} - {"\n"}
    assert "\u202e" not in text


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(State), st.floats(0, 20000), st.floats(0, 5), st.sampled_from(["run0", "run1"])),
        max_size=12,
    )
)
def test_figures_add_up_to_those_of_the_manifest(made):
    rows = [
        builders.row(f"{number % 3}/{number}", state, run_id=run_id, duration_s=duration_s, cost_usd=cost_usd,
                     settled_at=STARTED_AT + timedelta(seconds=number), reason="why")
        for number, (state, duration_s, cost_usd, run_id) in enumerate(made)
    ]  # fmt: skip
    manifest, gathering = finished(MemoryStorage(), facts("run1", archive=WHOLE), rows)

    largest, _, others = gathering.shows.largest(2)
    shows = [*largest, others]
    of = manifest.totals.by_state
    done = [row for row in rows if row.state is State.DONE]
    assert sum(show.episodes for show in shows) == of.get("done", 0)
    assert sum(show.failing for show in shows) == of.get("failed", 0) + of.get("uncertain", 0)
    assert sum(show.audio_s for show in shows) == pytest.approx(manifest.totals.audio_s, abs=0.01)
    assert sum(show.run_audio_s for show in shows) == pytest.approx(manifest.this_run.audio_s, abs=0.01)
    assert sum(show.cost_usd for show in shows) == pytest.approx(manifest.totals.cost_usd, abs=1e-9)
    assert sum(show.run_cost_usd for show in shows) == pytest.approx(manifest.this_run.cost_usd, abs=1e-9)
    this = manifest.this_run.by_state
    assert gathering.lengths.count == sum(one.done for one in gathering.timeline.bins) == this.get("done", 0)
    troubles = gathering.troubles.most(*set(State) - {State.DONE})
    assert sum(one.in_all for one in troubles) == len(rows) - len(done)
    assert sum(one.of_run for one in troubles) == sum(this.values()) - this.get("done", 0)


def test_a_night_is_told_whole():
    made, gathering = two_nights(MemoryStorage())

    reader = read(page(Report(made, gathering, "configured price of 0.036 USD per audio hour")))

    for said in (
        "1,585", "1,107 h", "39.84 USD", "6 h 12 min", "failed or uncertain now, not before", "1,600",
        "Mend, replace or exclude the audio.", "nightscribe retry-failed s3://podcasts/shows/",
        "ends long before the audio",
        "Rundfunk & Söhne <live>", "configured price of 0.036 USD per audio hour", "fal-ai/whisper",
        "0.036 USD per hour of",
        "s3://podcasts/_nightscribe/archives/shows/runs/20261122T220004Z-1a2b3c/manifest.json",
    ):  # fmt: skip
        assert said in reader.text, said


def test_the_same_run_gives_the_same_page():
    assert page(Report(*two_nights(MemoryStorage()))) == page(Report(*two_nights(MemoryStorage())))


def test_an_archive_without_objects_has_a_page_too():
    _, text = report_of([])

    assert "Nothing was settled by this run." in read(text).text


def test_a_cost_that_is_not_known_is_not_told_as_nothing():
    made, _ = report_of([builders.row("a", duration_s=60.0, run_id="run1")])
    half, _ = report_of([builders.row("a", run_id="run1"), builders.row("b", cost_usd=2.5, run_id="run1")])

    assert (cost(made.totals), cost(half.totals)) == ("not known", "at least 2.50 USD")


@pytest.mark.parametrize("prefix", ["", "&" * 800 + "/"], ids=["the whole bucket", "a long prefix"])
def test_the_file_stays_small_whatever_keys_and_messages_hold(prefix):
    worst = "&" * (1000 - len(prefix))
    rows = []
    for number in range(120):
        key = f"{number:03d}/{worst}"
        at = STARTED_AT + timedelta(minutes=3 * number)
        common = {"run_id": "run1", "message": "\u2028" * 1000, "sidecar_key": f"{prefix}{key}", "settled_at": at}
        rows += [
            builders.row(f"{prefix}a{key}", State.FAILED, reason=f"{number % 40}{worst}", permanent=True, **common),
            builders.row(f"{prefix}b{key}", State.UNCERTAIN, reason=f"{number % 40}{worst}", **common),
            builders.row(f"{prefix}c{key}", suspect=("loop", "gap"), duration_s=60.0, **common),
            builders.row(f"{prefix}d{key}", State.SKIPPED, reason=f"{number % 40}{worst}", **common),
        ]

    _, text = report_of(rows, archive=Place(bucket="podcasts", prefix=prefix))

    read(text)
    assert len(text.encode()) < 300_000


def test_every_reason_of_the_tree_has_its_action_and_every_finding_its_words():
    kinds = [NightscribeError]
    for kind in kinds:
        kinds += kind.__subclasses__()
        assert action(kind.default_reason).rstrip(".").lower() == kind.handling.action.rstrip(".").lower()
    table = (
        (ROOT / "docs" / "lint.md").read_text("utf-8").partition("| finding | what it says |")[2].partition("\n\n")[0]
    )
    assert set(re.findall("`([a-z_]+)`", table)) == set(FINDINGS)


def test_a_secret_that_came_as_far_as_a_message_comes_no_further():
    said = "GET https://s3.example/a.mp3?X-Amz-Signature=0123abcd&X-Amz-Credential=AKIA was refused."
    _, text = report_of([builders.row("a", State.FAILED, reason="r", message=said, run_id="run1")])

    assert "was refused." in text
    assert not [secret for secret in ("0123abcd", "AKIA") if secret in text]


def test_a_report_is_written_over_an_earlier_one_of_its_run_only():
    storage = MemoryStorage()
    made, gathering = two_nights(storage)
    first = write(storage, made, page(Report(made, gathering)))
    second = write(storage, made, page(Report(made, gathering, "another price")))
    key = first.removeprefix("s3://podcasts/")

    assert first == second
    assert b"another price" in storage.read("podcasts", key).body
    storage.put("podcasts", key, b"mine")
    with pytest.raises(ForeignObjectError, match=r"report\.html") as caught:
        write(storage, made, page(Report(made, gathering)))
    assert (caught.value.reason, storage.read("podcasts", key).body) == ("foreign_report", b"mine")


def test_rows_that_come_once_more_are_counted_once():
    gathering = Gathering(ARCHIVE, "run1", STARTED_AT)
    row = builders.remembered(builders.row("a", run_id="run1", duration_s=60.0))
    for _ in range(2):
        gathering.begin()
        gathering.add(row)

    assert gathering.lengths.count == 1


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (span(0), "0.0 s"), (span(59.6), "1 min"), (span(9.99), "10.0 s"), (span(61), "1 min 1 s"),
        (span(86399.9), "1 d"),
        (span(22320), "6 h 12 min"), (hours(900), "0.25 h"), (hours(360000), "100 h"), (hours(359999), "100.0 h"),
        (hours(3), "< 0.01 h"), (hours(0), "0.00 h"), (usd(0.00003), "< 0.0001 USD"),
        (pace(0.2), "0.20 h"), (pace(9.9), "9.9 h"), (pace(1234.5), "1,234 h"),
        (usd(0), "0.00 USD"), (usd(0.0021), "0.0021 USD"), (usd(1234.5), "1,234.50 USD"),
        (share(1, 1000), "< 1 %"), (share(0, 5), "0 %"), (share(0, 0), "–"), (shown("a\u200fb\x00"), "a\\u200fb\\x00"),
    ],
)  # fmt: skip
def test_figures_read_well(written, said):
    assert written == said


def test_memory_holds_no_rows():
    """A row that nobody shows is not kept: the same objects after ten and after ten thousand of one kind."""
    gathering = Gathering(WHOLE, "run1", STARTED_AT)
    row = builders.remembered(builders.row("a/1.mp3", State.FAILED, reason="not_audio", run_id="run1"))
    with mock.patch("pipeline.report.troubles.told", wraps=lambda _: row) as kept:
        for _ in range(1000):
            gathering.troubles.add(row)

    assert kept.call_count == 3
