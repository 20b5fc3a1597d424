"""What a run changes in a manifest is counted while rows pass, and equals what two manifests read apart give."""

from __future__ import annotations

from dataclasses import replace

import builders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reported import facts, finished

from pipeline import manifest
from pipeline.manifest import Draft, Newest, compared, remembered
from pipeline.models import Changes, Latest, Manifest, State, Totals
from pipeline.storage.memory import MemoryStorage

BEFORE, NOW = facts("run1"), facts("run2")
any_rows = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3),
    st.tuples(st.sampled_from(State), st.sampled_from(["e1", "e2"]), st.sampled_from(["h1", "h2"])),
    max_size=8,
)


def rows_of(states, run_id="run1"):
    return [
        builders.row(key, state=state, etag=etag, recipe=recipe, run_id=run_id)
        for key, (state, etag, recipe) in states.items()
    ]


@settings(deadline=None)
@given(any_rows, any_rows)
def test_counts_are_those_of_a_comparison_of_both_manifests(before, after):
    storage = MemoryStorage()
    older, _ = finished(storage, BEFORE, rows_of(before))
    newer, _ = finished(storage, NOW, rows_of(after, "run2"), gone=tuple(set(before) - set(after)))

    assert newer.changes == compared(older, remembered(storage, older), remembered(storage, newer))
    assert newer.changes.before == older.totals
    assert older.totals.objects + newer.changes.new - newer.changes.gone == newer.totals.objects


@pytest.mark.parametrize(
    ("was", "becomes", "counted"),
    [
        (None, (State.DONE, "e1", "h1"), {"new"}),
        (None, (State.FAILED, "e1", "h1"), {"new", "newly_failing"}),
        ((State.DONE, "e1", "h1"), (State.DONE, "e2", "h1"), {"replaced"}),
        ((State.DONE, "e1", "h1"), (State.DONE, "e1", "h2"), {"recipe_changed"}),
        ((State.DONE, "e1", "h1"), None, {"gone"}),
        ((State.FAILED, "e1", "h1"), (State.DONE, "e1", "h2"), {"recovered"}),
        ((State.UNCERTAIN, "e1", "h1"), (State.DONE, "e1", "h1"), {"recovered"}),
        ((State.UNCERTAIN, "e1", "h1"), (State.FAILED, "e1", "h1"), set()),
        ((State.PENDING, "e1", "h1"), (State.FAILED, "e1", "h1"), {"newly_failing"}),
        ((State.DONE, "e1", "h1"), (State.UNCERTAIN, "e2", "h1"), {"replaced", "newly_failing"}),
    ],
)
def test_each_change_counts_as_what_it_is(was, becomes, counted):
    storage = MemoryStorage()
    finished(storage, BEFORE, rows_of({"a": was} if was else {}))

    made, _ = finished(storage, NOW, rows_of({"a": becomes} if becomes else {}, "run2"), gone=() if becomes else ("a",))

    counts = made.changes.model_dump(exclude={"base_run_id", "before"})
    assert {name for name, number in counts.items() if number} == counted
    assert set(counts.values()) <= {0, 1}


def test_the_first_manifest_follows_none():
    made, _ = finished(MemoryStorage(), BEFORE, [builders.row("a")])

    assert made.changes == Changes(base_run_id=None, before=Totals(), new=1)


def test_one_that_is_made_anew_says_nothing_of_changes():
    """`nightscribe manifest rebuild`: there was a manifest, and nothing of it is believed."""
    storage = MemoryStorage()
    finished(storage, BEFORE, [builders.row("a")])
    base = Newest(latest_etag=manifest.read_newest(storage, BEFORE.output, BEFORE.archive).latest_etag)
    with Draft() as draft:
        draft.put(builders.row("a"))
        made = manifest.finish(storage, draft, NOW, base, now=builders.NOW, part_rows=9)

    assert made.changes is None


def test_a_run_that_had_written_its_manifest_and_died_is_not_compared_with_itself():
    storage = MemoryStorage()
    finished(storage, BEFORE, [builders.row("a")])
    finished(storage, NOW, [builders.row("b", run_id="run2")])

    made, _ = finished(storage, NOW, [builders.row("b", run_id="run2")])

    assert made.changes is None


def test_a_manifest_of_before_there_were_changes_is_still_read():
    made, _ = finished(MemoryStorage(), BEFORE, [builders.row("a")])

    old = Manifest.model_validate_json(made.model_dump_json(exclude={"changes"}))

    assert old == made.model_copy(update={"changes": None})


def test_who_looks_on_sees_the_rows_that_were_written_and_no_others_also_when_another_run_got_in_between():
    class Onlooker:
        def begin(self):
            self.keys = []

        def add(self, row):
            self.keys.append(row.key)

    storage, onlooker = MemoryStorage(), Onlooker()
    base = manifest.read_newest(storage, BEFORE.output, BEFORE.archive)
    finished(storage, replace(BEFORE, run_id="theirs"), [builders.row("b")])
    with Draft() as draft:
        draft.put(builders.row("a"))
        made = manifest.finish(storage, draft, NOW, base, now=builders.NOW, part_rows=9, onlooker=onlooker)

    assert onlooker.keys == [row.key for row in manifest.read_rows(storage, made)] == ["a", "b"]
    assert made.changes.base_run_id == "theirs"
    latest = Latest.model_validate_json(storage.read("podcasts", "_nightscribe/archives/shows/latest.json").body)
    assert latest.run_id == "run2"
