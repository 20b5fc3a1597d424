"""Each rule at its edge, what its finding says, and that none of them stumbles over any transcript."""

from __future__ import annotations

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled.building import TEXTS, every, heard, said, spoken

from pipeline.lint import Heard, lint
from pipeline.lint.language import code_of
from pipeline.lint.tokens import is_unspaced, tokens
from pipeline.models import Asked, Segment, Word

THRESHOLDS = builders.settings().lint
NAMES = {
    *("loop", "boilerplate", "other_language", "gibberish", "few_words", "many_words", "silent", "gap", "truncated"),
    *("speakers_missing", "words_missing", "times_missing", "partial", "times_repaired"),
}


def findings(what, **variables):
    """By name what lint says, with some thresholds set by environment."""
    changed = {f"NIGHTSCRIBE_LINT_{name.upper()}": str(value) for name, value in variables.items()}
    return {finding.name: finding for finding in lint(what, builders.settings(**changed).lint)}


def test_a_loop_says_what_is_repeated_how_often_and_where_it_begins():
    before = spoken(TEXTS["en_news"])
    stuck = Segment(start=100.0, end=180.0, text="I am going home. " * 20)

    found = findings(heard([*before, stuck]))["loop"]

    assert found.detail == "'i am going home' 20 times in a row"
    assert found.at_s == 100.0


@pytest.mark.parametrize(("repeats", "is_loop"), [(7, False), (8, True)])
def test_a_loop_is_one_from_so_many_repetitions_on(repeats, is_loop):
    text = "and then we all went down to the river " * repeats

    assert ("loop" in findings(said(text), loop_repeats=8)) is is_loop


@pytest.mark.parametrize(("words", "is_loop"), [(31, False), (32, True)])
def test_and_from_so_many_words_on(words, is_loop):
    assert ("loop" in findings(said("no " * words), loop_words=32)) is is_loop


def test_the_longest_loop_is_told_by_its_shortest_phrase():
    """Ten times "a b" is also five times "a b a b"."""
    assert findings(said("alpha beta " * 40))["loop"].detail == "'alpha beta' 40 times in a row"


def test_a_long_phrase_is_cut_in_the_telling():
    (found,) = [found for name, found in findings(said(TEXTS["hail_mary"] * 9)).items() if name == "loop"]

    assert len(found.detail) < 100
    assert "...' 9 times" in found.detail


@pytest.mark.parametrize(("duration_s", "is_doubted"), [(19.9, False), (20.0, True)])
def test_thanks_are_doubted_in_recordings_from_some_length_on(duration_s, is_doubted):
    what = heard([Segment(start=0, end=2, text="Thank you.")], duration_s=duration_s)

    assert ("boilerplate" in findings(what, boilerplate_from_s=20)) is is_doubted


def test_a_credit_without_a_space_in_it_is_one_too():
    assert "boilerplate" in findings(heard(every(30, "Altyazı M.K.", 4), "tr"))  # noqa: RUF001


@pytest.mark.parametrize(
    ("start", "rest", "name"),
    [(200.0, 1.0, "gap"), (100.0, 1.0, None), (0.5, 200.0, "truncated"), (0.5, 20.0, None)],
    ids=["late", "soon enough", "stops early", "plays out"],
)
def test_what_is_missing_before_and_after(start, rest, name):
    segments = spoken(" ".join(TEXTS[text] for text in ("en_news", "en_story", "en_science")), start=start)

    assert (findings(heard(segments, rest_s=rest)).keys() & {"gap", "truncated"}) == ({name} if name else set())


def test_a_gap_says_where_it_begins_and_segments_within_others_make_none():
    long = Segment(start=0.0, end=400.0, text="All of it at once.")
    inside = Segment(start=10.0, end=20.0, text="A part of it.")
    late = Segment(start=700.0, end=710.0, text="And the rest.")

    found = findings(heard([long, inside, late]))["gap"]

    assert (found.at_s, found.detail) == (400.0, "nothing was heard for 5 min")


def test_silence_is_doubted_from_ten_minutes_on():
    assert findings(heard([], duration_s=599.0)) == {}
    assert list(findings(heard([], duration_s=600.0))) == ["silent"]
    assert findings(heard([], duration_s=600.0), silent_s=601) == {}


def test_speed_counts_characters_where_a_script_has_no_spaces():
    assert tokens("Guten Tag, Herr O'Neil!") == ["guten", "tag", "herr", "o", "neil"]
    assert tokens("今日は、Tokyo 2") == ["今", "日", "は", "tokyo", "2"]
    assert is_unspaced(tokens(TEXTS["ja_eki"])) and is_unspaced(tokens(TEXTS["th_talat"]))  # noqa: PT018
    assert not is_unspaced(tokens(TEXTS["ko_sijang"]))
    assert "characters per minute" in findings(said("zh_chadian", "zh", rate=20))["few_words"].detail


def test_a_repair_is_counted_by_its_name():
    what = Heard("x", repairs=("reversed:3", "partial", "list_malformed:x"))

    assert [what.counted(name) for name in ("reversed", "partial", "list_malformed", "other")] == [3, 1, 1, 0]


@pytest.mark.parametrize(
    ("asked", "missing"),
    [
        (Asked(), set()),
        (Asked(diarize=True), {"speakers_missing"}),
        (Asked(speakers=2), {"speakers_missing"}),
        (Asked(words=True), {"words_missing"}),
    ],
)
def test_what_was_asked_for_and_did_not_come(asked, missing):
    assert findings(said("en_news", asked=asked)).keys() == missing


@pytest.mark.parametrize(
    ("named", "code"),
    [("de-DE", "de"), ("deu", "de"), ("German", "de"), ("zh_Hans", "zh"), ("auto", None), ("", None), (None, None)],
)
def test_languages_have_one_code_however_they_are_named(named, code):
    assert code_of(named) == code


texts = (
    st.text(max_size=40)
    | st.sampled_from(sorted(TEXTS.values()))
    | st.sampled_from(["you ", "and on, "]).map(lambda phrase: phrase * 60)
)
times = st.floats(0, 1e5)
segments = st.builds(
    lambda start, length, text, speaker, words: Segment(
        start=start,
        end=start + length,
        text=text,
        speaker=speaker,
        words=(Word(start=start, end=start + length, text=text),) if words else None,
    ),
    times,
    st.floats(0.001, 1e4),
    texts,
    st.none() | st.just("A"),
    st.booleans(),
)
anything = st.builds(
    Heard,
    text=texts,
    segments=st.lists(segments, max_size=6).map(lambda found: tuple(sorted(found, key=lambda one: one.start))),
    language=st.none() | st.sampled_from(["en", "german", "zh-TW", "??", "ja", "ru"]),
    repairs=st.lists(st.sampled_from(["reversed:9", "partial", "list_malformed:1", "end_missing:x", ":"])).map(tuple),
    duration_s=st.none() | times,
    asked=st.builds(
        Asked,
        language=st.sampled_from([None, "auto", "de", "ja"]),
        task=st.sampled_from([None, "transcribe", "translate"]),
        diarize=st.booleans(),
        words=st.booleans(),
    ),
)


@given(anything)
def test_whatever_comes_each_doubt_is_known_told_once_and_in_words(what):
    found = lint(what, THRESHOLDS)

    names = [finding.name for finding in found]
    assert len(names) == len(set(names))
    assert set(names) <= NAMES
    assert all(finding.detail for finding in found)
    starts = [segment.start for segment in what.segments]
    assert all(
        finding.at_s is None or 0 <= finding.at_s <= max([0.0, *starts, *(s.end for s in what.segments)])
        for finding in found
    )
    assert lint(what, THRESHOLDS) == found
