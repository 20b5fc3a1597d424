"""WebVTT and SRT of any transcript, read back by other people's parsers."""

from __future__ import annotations

import html
import re
import unicodedata

import pysubs2
import webvtt
from hypothesis import given
from spoken import segments
from wcwidth import wcswidth

from pipeline.formats import render
from pipeline.models import Format, Segment

BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]")


def letters(text):
    """What of a text is to be read, without the spaces between."""
    kept = (character for character in BIDI_CONTROLS.sub("", text) if unicodedata.category(character) != "Cc")
    return "".join("".join(kept).split())


def vtt(made):
    """Start, end, speaker and lines of each cue, as webvtt-py reads them; times in milliseconds."""
    return [
        (
            caption.start_time.in_milliseconds(),
            caption.end_time.in_milliseconds(),
            html.unescape(caption.voice or ""),
            [html.unescape(line) for line in caption.text.split("\n")],
        )
        for caption in webvtt.from_string(render(made, "", Format.VTT)).captions
    ]


def srt(made):
    """Start, end and lines of each cue, as pysubs2 reads them.

    It takes a last line of digits for the number of a cue that follows: one more cue keeps it from that.
    """
    end = max((segment.end for segment in made), default=0.0)
    text = render([*made, Segment(start=end + 1, end=end + 2, text="THE END")], "", Format.SRT)
    events = pysubs2.SSAFile.from_string(text, format_="srt").events
    assert events.pop().text == "THE END"
    return [(event.start, event.end, event.text.split("\\N")) for event in events]


def audio_ms(made):
    return max((round(segment.end * 1000) for segment in made), default=0)


def are_in_order(times, end_ms):
    before = 0
    for start, end in times:
        assert before <= start < end <= end_ms
        before = end


@given(segments())
def test_webvtt_says_what_was_said(made):
    assert letters("".join("".join(lines) for *_, lines in vtt(made))) == letters("".join(one.text for one in made))


@given(segments())
def test_webvtt_names_who_says_it(made):
    said = {}
    for *_, speaker, lines in vtt(made):
        said[speaker] = said.get(speaker, "") + letters("".join(lines))
    expected = {}
    for one in made:
        name = " ".join(BIDI_CONTROLS.sub("", one.speaker or "").split())
        if letters(one.text):
            expected[name] = expected.get(name, "") + letters(one.text)

    assert said == expected


@given(segments(may_cross=True))
def test_webvtt_says_all_of_it_when_people_talk_at_once(made):
    said = letters("".join("".join(lines) for *_, lines in vtt(made)))

    assert sorted(said) == sorted(letters("".join(one.text for one in made)))


@given(segments() | segments(may_cross=True))
def test_webvtt_has_two_short_lines_and_times_that_go_on(made):
    cues = vtt(made)

    are_in_order([cue[:2] for cue in cues], audio_ms(made))
    assert all(1 <= len(lines) <= 2 for *_, lines in cues)
    assert all(line == line.strip() and wcswidth(line) <= 65 for *_, lines in cues for line in lines)


@given(segments() | segments(may_cross=True))
def test_srt_has_two_short_lines_and_times_that_go_on(made):
    cues = srt(made)

    are_in_order([cue[:2] for cue in cues], audio_ms(made))
    assert all(1 <= len(lines) <= 2 for *_, lines in cues)
    assert all(line == line.strip() and wcswidth(line) <= 32 for *_, lines in cues for line in lines)


@given(segments())
def test_srt_says_what_was_said(made):
    plain = [one.model_copy(update={"speaker": None}) for one in made]
    expected = letters("".join(one.text for one in made)).translate(str.maketrans("<>{}\\", "‹›()∖"))  # noqa: RUF001

    assert letters("".join("".join(lines) for *_, lines in srt(plain))) == expected


@given(segments())
def test_srt_numbers_its_cues(made):
    text = render(made, "", Format.SRT)

    assert [block.split("\n")[0] for block in text.split("\n\n") if block] == [
        str(number + 1) for number in range(text.count(" --> "))
    ]


@given(segments())
def test_the_cues_of_a_segment_lie_within_it_and_can_be_read_where_it_is_long_enough(made):
    for one in made:
        cues = vtt([one])
        start, end = round(one.start * 1000), round(one.end * 1000)
        if cues and end - start >= len(cues):
            assert (cues[0][0], cues[-1][1]) == (start, end)
            assert min(cue[1] - cue[0] for cue in cues) >= min(1000, (end - start) // len(cues))


@given(segments())
def test_plain_text_keeps_every_letter_in_order(made):
    plain = [segment.model_copy(update={"speaker": None}) for segment in made]

    assert letters(render(plain, "", Format.TXT)) == letters("".join(one.text for one in made))
