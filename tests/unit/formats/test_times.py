"""When the cues of a segment are shown: by its words, by its characters, one after the other, and never two at once."""

from __future__ import annotations

import pytest
import webvtt

from pipeline.formats import render
from pipeline.models import Format, Segment, Word

SENTENCE = "This is a sentence of exactly sixty characters, ended so OK."


def cues(*made):
    return [
        (caption.start_time.in_milliseconds(), caption.end_time.in_milliseconds(), caption.text.replace("\n", " "))
        for caption in webvtt.from_string(render(made, "", Format.VTT)).captions
    ]


def times(*made):
    return [cue[:2] for cue in cues(*made)]


def spoken(text, *, rest_s=0.0):
    """Words of a tenth of a second each, one per second, the second half of them after a rest."""
    said = text.split()
    starts = [number + (rest_s if number >= len(said) // 2 else 0) for number in range(len(said))]
    return tuple(Word(start=at, end=at + 0.1, text=word) for at, word in zip(starts, said, strict=True))


def test_a_short_segment_is_one_cue_with_its_times():
    assert cues(Segment(start=1, end=4, text=SENTENCE)) == [(1000, 4000, SENTENCE)]


def test_a_long_segment_is_cut_where_sentences_end_and_its_time_divided_by_characters():
    made = Segment(start=10, end=30, text=f"{SENTENCE} {SENTENCE} {SENTENCE} {SENTENCE}")

    assert cues(made) == [(10_000, 20_000, f"{SENTENCE} {SENTENCE}"), (20_000, 30_000, f"{SENTENCE} {SENTENCE}")]


def test_where_there_are_words_they_tell_the_times():
    text = f"{SENTENCE} {SENTENCE} {SENTENCE} {SENTENCE}"
    words = spoken(text, rest_s=10)
    made = Segment(start=0, end=words[-1].end, text=text, words=words)

    half = len(words) // 2
    assert times(made) == [(0, half * 1000 - 900), (half * 1000 + 10_000, round(words[-1].end * 1000))]


def test_words_that_are_spelt_otherwise_tell_the_times_by_their_place():
    text = f"{SENTENCE} {SENTENCE} {SENTENCE} {SENTENCE}"
    words = tuple(Word(start=2 * n, end=2 * n + 1, text=f"w{n}") for n in range(10))

    assert times(Segment(start=0, end=20, text=text, words=words)) == [(0, 9000), (10_000, 20_000)]


@pytest.mark.parametrize("words", [None, (), (Word(start=0, end=1, text=" "),)])
def test_words_without_a_letter_tell_nothing(words):
    text = f"{SENTENCE} {SENTENCE} {SENTENCE} {SENTENCE}"

    assert times(Segment(start=0, end=20, text=text, words=words)) == [(0, 10_000), (10_000, 20_000)]


def test_words_outside_of_their_segment_do_not_move_it():
    text = f"{SENTENCE} {SENTENCE} {SENTENCE} {SENTENCE}"
    words = tuple(Word(start=1000 - n, end=1001 - n, text="x") for n in range(10))

    (first, second) = times(Segment(start=5, end=25, text=text, words=words))

    assert (first[0], second[1]) == (5000, 25_000)
    assert first[1] <= second[0]


def test_each_cue_is_shown_long_enough_to_be_read_where_its_segment_allows():
    text = f"{SENTENCE} {SENTENCE} {SENTENCE} {SENTENCE}"
    words = tuple(Word(start=0, end=0.01, text=word) for word in text.split())

    assert times(Segment(start=0, end=20, text=text, words=words)) == [(0, 1000), (1000, 20_000)]
    assert times(Segment(start=0, end=0.8, text=text, words=words)) == [(0, 400), (400, 800)]


def test_a_cue_is_never_shorter_than_a_millisecond():
    assert times(Segment(start=1.0, end=1.0001, text="blip")) == [(999, 1000)]  # it ends where the audio does
    assert times(*(Segment(start=n / 10_000, end=(n + 1) / 10_000, text="x") for n in range(30))) == [
        (n, n + 1) for n in range(30)
    ]


def test_who_is_interrupted_gives_way():
    one = Segment(start=0, end=10, text="one", speaker="A")
    other = Segment(start=4, end=6, text="other", speaker="B")

    assert cues(one, other) == [(0, 4000, "one"), (4000, 6000, "other")]


def test_of_two_who_begin_at_once_the_first_is_shown_for_a_second():
    one = Segment(start=2, end=10, text="one", speaker="A")
    other = Segment(start=2, end=8, text="other", speaker="B")

    assert cues(one, other) == [(2000, 3000, "one"), (3000, 8000, "other")]


def test_srt_names_each_cue_of_those_who_talk_at_once():
    made = [
        Segment(start=0, end=8, text="This is said by one of the two, and it takes eight seconds to say.", speaker="A"),
        Segment(start=3, end=4, text="Mm-hm.", speaker="B"),
        Segment(start=9, end=10, text="Yes.", speaker="B"),
    ]

    said = [block.split("\n", 2)[2].strip() for block in render(made, "", Format.SRT).split("\n\n")]

    assert [line[:2] for line in said] == ["A:", "B:", "A:", "Ye"]
