"""The page in a real browser, with transcripts that no model would make: nothing of them runs, and all can be read."""

from __future__ import annotations

import pytest
from browsing import PHONE

from pipeline.models import Segment

pytestmark = [pytest.mark.browser]

HEBREW = "שלום לכולם, זהו פודקאסט הלילה."
EVIL = "</p></main></script><script>document.title = 'broken'</script><img src=x onerror=\"document.title = 'broken'\">"


@pytest.fixture
def strange(shown):
    """A page whose sentences are Hebrew, evil, and one long word, by speakers of such names."""
    said = [
        Segment(start=number * 10, end=number * 10 + 9, text=text, speaker=text[:20])
        for number, text in enumerate([HEBREW, EVIL, "a" * 500, "日本語の文章です。" * 30])
    ]
    shown.sidecar = shown.sidecar.model_copy(update={"segments": tuple(said), "text": "x"})
    return shown


def test_nothing_that_was_said_runs_and_each_has_its_own_direction(strange, open_page):
    page = open_page(strange.server.url, PHONE)

    directions = page.eval_on_selector_all(".said p", "all => all.map(each => getComputedStyle(each).direction)")
    assert page.locator(".said p").all_text_contents() == [segment.text for segment in strange.sidecar.segments]
    assert directions == ["rtl", "ltr", "ltr", "ltr"]
    assert page.title() == "épisode 1.mp3"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


def test_a_recording_that_no_browser_plays_is_said(strange, open_page):
    page = open_page(strange.server.url)

    page.wait_for_selector("#trouble:visible")

    assert "cannot be played" in page.locator("#trouble").text_content()
    page.locator(".said p").first.click()  # the page itself goes on
    assert page.locator(".said.now p").text_content() == HEBREW
