"""The report of a night, looked at in a browser: two widths, light and dark, and nothing asked of any other machine."""

from __future__ import annotations

from itertools import pairwise

import pytest
from browsing import DESK, PHONE
from reported import two_nights

from pipeline.report import Report, page
from pipeline.storage.memory import MemoryStorage

pytestmark = [pytest.mark.browser]

LEAST_CONTRAST = 4.5  # WCAG 2.1, level AA
CONTRASTS = """() => {
    const channel = c => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4 };
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
    const ground = node => {
        for (; node; node = node.parentElement) {
            const c = numbers(getComputedStyle(node).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c;
        }
    };
    const found = {};
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const node = texts.currentNode.parentElement;
        if (!texts.currentNode.data.trim() || node.localName === 'title') continue;
        const style = getComputedStyle(node);
        const [a, b] = [light(numbers(node.localName === 'text' ? style.fill : style.color)), light(ground(node))];
        const name = `${node.localName}.${node.getAttribute('class') || ''}`;
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        found[name] = Math.min(found[name] ?? 99, ratio);
    }
    return found;
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The address of the report of a night."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    made = Report(*two_nights(MemoryStorage()), "configured price of 0.036 USD per audio hour")
    file.write_text(page(made), "utf-8")
    return file.as_uri()


@pytest.fixture
def watched(browser):
    """Opens an address; notes what the page asks for and what the browser complains of."""

    def opened(url, width, **context):
        shown = browser.new_context(viewport={"width": width, "height": 900}, **context).new_page()
        asked, complaints = [], []
        shown.on("request", lambda request: asked.append(request))  # noqa: PLW0108  a built-in cannot be marked
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("pageerror", lambda error: complaints.append(str(error)))
        shown.goto(url, wait_until="load")
        return shown, asked, complaints

    return opened


def test_it_reads_well_at_both_widths_light_and_dark(watched, report, picture):
    """One browser for all four: to start it takes longer than to look."""
    for scheme in ("light", "dark"):
        for width, name in ((DESK, "report-desk"), (PHONE, "report-phone")):
            shown = looked_at(watched, report, width, scheme)
            down_to_the_charts = {"x": 0, "y": 0, "width": width, "height": 1700}
            picture(shown, name if scheme == "light" else f"{name}-dark", full_page=True, clip=down_to_the_charts)


def looked_at(watched, report, width, scheme):
    shown, asked, complaints = watched(report, width, color_scheme=scheme)
    assert [request.url for request in asked] == [report]
    assert complaints == []
    assert shown.evaluate("document.documentElement.scrollWidth") == width
    assert shown.evaluate("getComputedStyle(document.querySelector('h1')).fontWeight") == "600"  # the style is let in
    contrasts = shown.evaluate(CONTRASTS)
    assert len(contrasts) > 10
    assert {what: ratio for what, ratio in contrasts.items() if ratio < LEAST_CONTRAST} == {}
    for chart in shown.locator("svg.chart").all():
        assert chart.get_attribute("aria-label")
        assert chart.locator("rect").count() > 20
    assert_nothing_is_swallowed(shown)
    return shown


def assert_nothing_is_swallowed(shown):
    """In SVG an element without an end holds its neighbours, and nobody sees them any more."""
    boxes = [rect.bounding_box() for rect in shown.locator("svg.stack > rect").all()]

    assert len(boxes) == 4
    for left, right in pairwise(boxes):
        assert left["x"] + left["width"] == pytest.approx(right["x"], abs=0.5)


def test_whatever_is_smuggled_into_the_file_asks_for_nothing_and_runs_nothing(watched, tmp_path, report):
    """The second line of defence, should escaping ever fail: the page's own policy."""
    file = tmp_path / "smuggled.html"
    smuggled = (
        "<script>document.title = 'run'</script>"
        "<img src='https://example.com/x.png' onerror=\"document.title = 'run'\">"
        "<link rel=stylesheet href='https://example.com/x.css'><style>main { display: none }</style>"
        "<iframe src='https://example.com/'></iframe><p style='background: url(https://example.com/y.png)'>"
    )
    made = page(Report(*two_nights(MemoryStorage())))
    file.write_text(made.replace("<main>", f"<main>{smuggled}", 1), "utf-8")

    shown, asked, complaints = watched(file.as_uri(), DESK)

    own, *foreign = asked
    assert (own.failure, {request.failure for request in foreign}) == (None, {"csp"})  # stopped before the network
    assert shown.title().startswith("Nightscribe")
    assert shown.locator("main").is_visible()
    assert complaints


def test_printed_it_is_dark_on_white_in_a_dark_room_too(watched, report):
    shown, _, _ = watched(report, DESK, color_scheme="dark")
    shown.emulate_media(media="print")

    assert shown.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert min(shown.evaluate(CONTRASTS).values()) >= LEAST_CONTRAST
