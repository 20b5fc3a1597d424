"""Podcasting 2.0 JSON: its schema, written from the specification, and what players make of it.

https://github.com/Podcastindex-org/podcast-namespace, under "Transcript File Format Details"
"""

from __future__ import annotations

import json
from itertools import pairwise

import jsonschema
from hypothesis import given
from spoken import segments

from pipeline.formats import render
from pipeline.formats.plain import one_line
from pipeline.models import Format, Segment, Word

SCHEMA = {
    "type": "object",
    "required": ["version", "segments"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "1.0.0"},
        "segments": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["startTime", "body"],
                "additionalProperties": False,
                "properties": {
                    "speaker": {"type": "string", "minLength": 1},
                    "startTime": {"type": "number", "minimum": 0},
                    "endTime": {"type": "number", "minimum": 0},
                    "body": {"type": "string", "minLength": 1},
                },
            },
        },
    },
}


def rendered(made, text=""):
    document = json.loads(render(made, text, Format.JSON))
    jsonschema.validate(document, SCHEMA)
    return document["segments"]


@given(segments() | segments(may_cross=True))
def test_it_is_valid_and_says_who_said_what_in_order(made):
    parts = rendered(made)

    assert " ".join(part["body"] for part in parts) == one_line(" ".join(one.text for one in made))
    end = max((round(one.end, 3) for one in made), default=0)
    assert all(part["startTime"] <= part["endTime"] <= end for part in parts)
    speakers = [one_line(one.speaker or "") for one in made if one_line(one.text)]
    said = [part.get("speaker", "") for part in parts]
    assert [name for name, before in zip(said, [None, *said], strict=False) if name != before] == [
        name for name, before in zip(speakers, [None, *speakers], strict=False) if name != before
    ]


@given(segments())
def test_its_times_go_on(made):
    assert all(before["endTime"] <= part["startTime"] for before, part in pairwise(rendered(made)))


def test_a_stretch_is_one_segment():
    assert rendered([Segment(start=1.25, end=2.0004, text=" Good\nnight. ", speaker="A")]) == [
        {"speaker": "A", "startTime": 1.25, "endTime": 2.0, "body": "Good night."}
    ]


def test_where_there_are_words_each_is_a_segment():
    words = (Word(start=0, end=0.5, text=" Good"), Word(start=0.5, end=1, text="night. "))

    assert rendered([Segment(start=0, end=1, text="Good night.", words=words)]) == [
        {"startTime": 0.0, "endTime": 0.5, "body": "Good"},
        {"startTime": 0.5, "endTime": 1.0, "body": "night."},
    ]


def test_words_that_do_not_make_the_text_with_spaces_between_are_left_out():
    """Players put spaces between; Chinese and Japanese have none."""
    words = (Word(start=0, end=0.5, text="今晩"), Word(start=0.5, end=1, text="は"))

    assert [part["body"] for part in rendered([Segment(start=0, end=1, text="今晩は", words=words)])] == ["今晩は"]


def test_words_whose_times_are_out_of_order_are_left_out():
    words = (Word(start=0.5, end=1, text="Good"), Word(start=0, end=0.5, text="night."))
    late = (Word(start=0, end=0.5, text="Good"), Word(start=0.5, end=3, text="night."))

    for some in (words, late):
        assert len(rendered([Segment(start=0, end=1, text="Good night.", words=some)])) == 1


def test_without_times_all_of_the_text_is_one_segment_with_no_end():
    assert rendered([], "some\nwords ") == [{"startTime": 0.0, "body": "some words"}]
