"""The page of a transcript: every text is shown as text, whatever it means to a browser."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spoken import segments

from pipeline.models import Finding, Quality, Segment, Word
from pipeline.player import Recording, render_page
from pipeline.player.page import clock

KNOWN = {"html", "head", "meta", "title", "link", "style", "body", "header", "p", "bdi", "h1", "ul", "li", "div"}
KNOWN |= {"audio", "input", "output", "main", "section", "h2", "h3", "strong", "a", "span", "button", "script"}


class Reader(HTMLParser):
    """Reads a page as browsers do: its elements, its addresses, and the text of each stretch."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.addresses, self.handlers, self.stretches = set(), set(), set(), []
        self._in_stretch = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses |= {value for name, value in attrs if name in {"src", "href"}}
        self.handlers |= {name for name, _ in attrs if name.startswith("on") or name == "style"}
        self._in_stretch = self._in_stretch or (tag == "p" and ("dir", "auto") in attrs)
        if tag == "p" and self._in_stretch:
            self.stretches.append("")

    def handle_endtag(self, tag):
        if tag == "p":
            self._in_stretch = False

    def handle_data(self, data):
        if self._in_stretch:
            self.stretches[-1] += data


def page_of(made, **changes):
    return render_page(made.model_copy(update=changes), Recording(), nonce="N")


@pytest.fixture(scope="module")
def sidecar():
    from finished import FinishedArchive  # noqa: PLC0415

    from pipeline.models import Sidecar  # noqa: PLC0415

    archive = FinishedArchive()
    archive.transcribed("a/b.mp3")
    return Sidecar.model_validate_json(archive.body("a/b.mp3.transcript.json"))


@given(said=segments(), text=st.text(max_size=50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
def test_whatever_was_said_is_shown_and_becomes_nothing_else(sidecar, said, text):
    page = page_of(sidecar, segments=tuple(said), text=text + "x")

    read = Reader(page)
    assert read.tags <= KNOWN
    assert read.handlers == set()
    assert all(address in {"audio", "data:,"} or address.startswith("#t=") for address in read.addresses)
    assert page.count("<script") == page.count('<script nonce="N"') == 1
    if said:
        # HTMLParser, as a browser, reads a CR as a line end; browsers drop NUL from text.
        shown = [re.sub(r"\r\n?", "\n", part.text.strip()) for part in sorted(said, key=lambda part: part.start)]
        assert [re.sub(r"\r\n?", "\n", stretch) for stretch in read.stretches] == shown


def test_each_word_knows_its_time_and_the_text_stays(sidecar):
    words = (
        Word(start=1.0, end=1.2, text=" Hello,"),
        Word(start=1.5, end=1.9, text="unheard"),
        Word(start=2, end=3, text="night."),
    )
    page = page_of(sidecar, segments=(Segment(start=1, end=3, text="Hello, <good> night.", words=words),))

    assert '<span data-start="1.000">Hello,</span> &lt;good&gt; <span data-start="2.000">night.</span></p>' in page
    assert "unheard" not in page


def test_speakers_have_a_colour_and_a_name_each_turn_once(sidecar):
    names = ["Ada", "Ada", "Grace", None, "Ada"]
    said = tuple(Segment(start=n, end=n + 1, text="x", speaker=name) for n, name in enumerate(names))

    page = page_of(sidecar, segments=said)

    turns = re.findall(r'<section class="turn(.*?)">(?:<h3><bdi>(.*?)</bdi></h3>)?', page)
    assert turns == [(" voice0", "Ada"), (" voice1", "Grace"), ("", ""), (" voice0", "Ada")]


def test_a_doubt_leads_to_its_place(sidecar):
    findings = (
        Finding(name="loop", detail="<b>said</b> 40 times", at_s=83.5),
        Finding(name="slow", detail="few words"),
    )
    page = page_of(sidecar, quality=Quality(verdict="suspect", findings=findings))

    assert '<strong>loop</strong> &lt;b&gt;said&lt;/b&gt; 40 times <a class="time" href="#t=83.50">1:23</a>' in page
    assert "<strong>slow</strong> few words</li>" in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": "", "segments": ()}, "No speech was heard"),
        ({"text": "One.\nTwo.", "segments": ()}, "told no times"),
        ({"duration_s": None}, "length unknown"),
        ({"language": None}, "language unknown"),
    ],
)
def test_what_is_not_known_is_said(sidecar, changes, words):
    assert words in page_of(sidecar, **changes)


def test_a_key_is_shown_with_what_turns_or_moves_text_escaped(sidecar):
    key = 'a/<img src=x onerror=1>"&\u202e\x1b[31m$title.mp3'
    page = page_of(sidecar, object=sidecar.object.model_copy(update={"key": key}))

    assert Reader(page).tags <= KNOWN
    assert unescape(re.search(r"<h1[^>]*>(.*?)</h1>", page)[1]) == '<img src=x onerror=1>"&\\u202e\\x1b[31m$title.mp3'


def test_a_language_that_is_none_does_not_break_out(sidecar):
    assert '<main lang="de">' in page_of(sidecar, language="de")
    assert "<main>" in page_of(sidecar, language='de"><script>')


def test_nothing_presigned_is_in_the_page(sidecar):
    page = page_of(sidecar, raw={"input": "https://s3/x?X-Amz-Signature=abc"})

    assert "Amz" not in page
    assert "://" not in re.sub(r"s3://", "", page)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (7.9, "0:07"), (754, "12:34"), (3723, "1:02:03"), (36e3, "10:00:00")]
)
def test_times_are_shown_as_players_do(seconds, shown):
    assert clock(seconds) == shown
