"""Derived formats in full, one small file each, and what there is without times or without speech."""

from __future__ import annotations

import hashlib
import io

import pytest
import webvtt

from pipeline.formats import RENDERERS, render, timestamp
from pipeline.models import Format, Segment, Word

MADE = [
    Segment(start=0, end=1.5, text="Hello & <welcome>", speaker="SPEAKER_00"),
    Segment(start=3600.25, end=3601, text="a --> b"),
]


def test_a_webvtt_file_in_full():
    assert render(MADE, "", Format.VTT) == (
        "WEBVTT\n"
        "\n"
        "00:00:00.000 --> 00:00:01.500\n"
        "<v SPEAKER_00>Hello &amp; &lt;welcome&gt;\n"
        "\n"
        "01:00:00.250 --> 01:00:01.000\n"
        "a --&gt; b\n"
    )


def test_an_srt_file_in_full():
    assert render(MADE, "", Format.SRT) == (
        "1\n00:00:00,000 --> 00:00:01,500\nSPEAKER_00: Hello & ‹welcome›\n\n"  # noqa: RUF001
        "2\n01:00:00,250 --> 01:00:01,000\na --› b\n"  # noqa: RUF001
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
    assert render([], " some\x1b words\n\nand more ", Format.TXT) == "some words\n\nand more\n"


@pytest.mark.parametrize(
    ("kind", "empty"),
    [
        (Format.VTT, "WEBVTT\n"),
        (Format.SRT, ""),
        (Format.TXT, ""),
        (Format.JSON, '{"version": "1.0.0", "segments": [\n]}\n'),
    ],
)
def test_silence_gives_an_empty_file(kind, empty):
    assert render([], "", kind) == empty
    assert render([Segment(start=0, end=1, text="\u2028 \x00", speaker="A")], "", kind) == empty


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

    for kind in (Format.VTT, Format.SRT):
        (caption,) = webvtt.from_buffer(io.StringIO(render(made, "", kind)), format=kind.value).captions
        assert caption.start_in_seconds == 360_000


def test_segments_that_somebody_has_put_out_of_order_are_shown_in_order():
    made = [Segment(start=5, end=6, text="second"), Segment(start=1, end=2, text="first")]

    for kind in Format:
        text = render(made, "", kind)
        assert 0 <= text.index("first") < text.index("second")


@pytest.mark.parametrize("time", [float("nan"), float("inf")])
def test_a_time_that_is_no_number_is_refused(time):
    word = Word(start=time, end=1, text="x")
    for made in (Segment(start=0, end=time, text="x"), Segment(start=0, end=1, text="x", words=(word,))):
        with pytest.raises(ValueError, match="no number"):
            render([made], "", Format.VTT)


LONG = Segment(
    start=7,
    end=19.5,
    speaker="Ann",
    text="Well, this is a long story, and it was told in November. It began with a cat; nobody knew whose, all fed it.",
    words=tuple(Word(start=7 + n / 2, end=7.4 + n / 2, text=f"word{n}") for n in range(24)),
)
MADE_BY = {
    (Format.VTT, 1): "616a8c77c21af098",
    (Format.SRT, 1): "6a894447baf8b368",
    (Format.TXT, 1): "90c487756bd569f8",
    (Format.JSON, 1): "c24b8a04f95d3771",
}


@pytest.mark.parametrize("kind", Format)
def test_what_changes_a_format_raises_its_version(kind):
    """Else `nightscribe render` takes the files of an archive for current. A new version is a new line above."""
    made = render([*MADE, LONG, Segment(start=8, end=9, text="「はい。」Mm-hm.", speaker="Bo")], "", kind)

    assert MADE_BY[kind, RENDERERS[kind].version] == hashlib.sha256(made.encode()).hexdigest()[:16]
