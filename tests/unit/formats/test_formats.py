"""Derived formats, read back by other people's parsers."""

from __future__ import annotations

import io

import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats import CONTENT_TYPES, render, timestamp
from pipeline.models import Format, Segment

NASTY = [
    "a --> b",
    "<i>x</i> & <v y>",
    "1\n\n00:00:01.000 --> then\nfake cue",
    "NOTE this",
    "WEBVTT",
    "日本語",
    "1",
]


@st.composite
def segments(draw):
    made, now = [], 0
    for text in draw(st.lists(st.text(max_size=20) | st.sampled_from(NASTY), max_size=6)):
        start = now + draw(st.integers(0, 5000))
        now = start + draw(st.integers(1, 5000))
        speaker = draw(st.none() | st.sampled_from(["SPEAKER_00", "A > B & <c>", "x\ny"]))
        made.append(Segment(start=start / 1000, end=now / 1000, text=text, speaker=speaker))
    return made


def shown(made):
    """What a reader should see: white space as single spaces, segments without text left out."""
    return [" ".join(segment.text.split()) for segment in made if segment.text.split()]


def times(made):
    return [(round(s.start * 1000), round(s.end * 1000)) for s in made if s.text.split()]


def unescaped(text):
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@given(segments())
def test_webvtt_says_what_was_said_when_it_was_said(made):
    captions = webvtt.from_string(render(made, "", Format.VTT)).captions

    assert [
        caption.raw_text.split(">", 1)[-1] if caption.raw_text.startswith("<v ") else caption.raw_text
        for caption in captions
    ] == [text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for text in shown(made)]
    assert [(round(c.start_in_seconds * 1000), round(c.end_in_seconds * 1000)) for c in captions] or not shown(made)
    assert [caption.start for caption in captions] == [timestamp(start / 1000) for start, _ in times(made)]
    assert [caption.end for caption in captions] == [timestamp(end / 1000) for _, end in times(made)]


@given(segments())
def test_srt_says_when_it_was_said_and_numbers_its_cues(made):
    text = render(made, "", Format.SRT)
    events = pysubs2.SSAFile.from_string(text, format_="srt").events if text else []

    assert [(event.start, event.end) for event in events] == times(made)
    assert [line for line in text.split("\n") if " --> " in line] == [
        f"{timestamp(start / 1000, ',')} --> {timestamp(end / 1000, ',')}" for start, end in times(made)
    ]
    assert [block.split("\n")[0] for block in text.split("\n\n") if block] == [
        str(number) for number in range(1, len(times(made)) + 1)
    ]


@given(segments())
def test_plain_text_keeps_every_word_in_order(made):
    plain = [segment.model_copy(update={"speaker": None}) for segment in made]

    assert render(plain, "", Format.TXT).split() == " ".join(shown(made)).split()


def test_a_webvtt_file_in_full():
    made = [
        Segment(start=0, end=1.5, text="Hello & <welcome>", speaker="SPEAKER_00"),
        Segment(start=3600.25, end=3601, text="a --> b"),
    ]

    assert render(made, "", Format.VTT) == (
        "WEBVTT\n"
        "\n"
        "00:00:00.000 --> 00:00:01.500\n"
        "<v SPEAKER_00>Hello &amp; &lt;welcome&gt;\n"
        "\n"
        "01:00:00.250 --> 01:00:01.000\n"
        "a --&gt; b\n"
    )


def test_an_srt_file_in_full():
    made = [Segment(start=0, end=1.5, text="Hello", speaker="SPEAKER_00"), Segment(start=2, end=3, text="a --> b")]

    assert render(made, "", Format.SRT) == (
        "1\n00:00:00,000 --> 00:00:01,500\nSPEAKER_00: Hello\n\n2\n00:00:02,000 --> 00:00:03,000\na -> b\n"
    )


def test_a_text_file_has_paragraphs_by_speaker_and_pause():
    made = [
        Segment(start=0, end=1, text="Good", speaker="A"),
        Segment(start=1, end=2, text="morning.", speaker="A"),
        Segment(start=2, end=3, text="Hello.", speaker="B"),
        Segment(start=9, end=10, text="After a while.", speaker="B"),
    ]

    assert render(made, "", Format.TXT) == "A: Good morning.\n\nB: Hello.\n\nAfter a while.\n"


def test_a_long_paragraph_ends_with_its_sentence():
    made = [Segment(start=n, end=n + 1, text="word " * 30 + ("." if n % 2 else "")) for n in range(8)]

    paragraphs = render(made, "", Format.TXT).strip().split("\n\n")

    assert len(paragraphs) == 2
    assert paragraphs[0].endswith(".")


def test_without_times_there_are_no_cues_but_valid_files():
    vtt = render([], "some words", Format.VTT)

    assert vtt.startswith("WEBVTT\n\nNOTE ")
    assert webvtt.from_buffer(io.StringIO(vtt)).captions == []
    assert render([], "some words", Format.SRT) == ""
    assert render([], " some words ", Format.TXT) == "some words\n"


@pytest.mark.parametrize(("kind", "empty"), [(Format.VTT, "WEBVTT\n"), (Format.SRT, ""), (Format.TXT, "")])
def test_silence_gives_an_empty_file(kind, empty):
    assert render([], "", kind) == empty


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "00:00:00.000"),
        (0.0004, "00:00:00.000"),
        (0.9996, "00:00:01.000"),
        (59.9999, "00:01:00.000"),
        (3599.9999, "01:00:00.000"),
        (3661.001, "01:01:01.001"),
        (360_000, "100:00:00.000"),
        (-1, "00:00:00.000"),
    ],
)
def test_timestamps_carry_over_and_outgrow_two_digits(seconds, expected):
    assert timestamp(seconds) == expected


def test_a_hundred_hours_can_be_read_back():
    made = [Segment(start=360_000, end=360_001, text="late")]

    assert webvtt.from_string(render(made, "", Format.VTT)).captions[0].start_in_seconds == 360_000


def test_a_cue_is_never_shorter_than_a_millisecond():
    made = [Segment(start=1.0, end=1.0001, text="blip")]

    assert "00:00:01.000 --> 00:00:01.001" in render(made, "", Format.VTT)


def test_every_format_has_a_content_type():
    assert set(CONTENT_TYPES) == set(Format)
