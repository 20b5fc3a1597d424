"""manifest: rows in any order to sorted, checked parts; totals; the pointer moved last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import packed_rows

from pipeline import manifest
from pipeline.errors import ConfigurationError, ServiceUnavailableError
from pipeline.manifest import Draft, Newest, RunFacts, Segments
from pipeline.models import PLANNED, Latest, Place, RecipeStamp, State
from pipeline.storage.memory import MemoryStorage

ARCHIVE = Place(bucket="podcasts", prefix="shows/")
FACTS = RunFacts(
    run_id="run1",
    archive=ARCHIVE,
    output=builders.OUTPUT,
    recipe=RecipeStamp(endpoint_id="fal-ai/whisper", arguments={}, hash="h"),
    started_at=builders.NOW,
)
NOTHING = Newest()
any_key = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def finish(storage, rows, *, part_rows=100, facts=FACTS, base=NOTHING):
    with Draft() as draft:
        for row in rows:
            draft.put(row)
        return manifest.finish(storage, draft, facts, base, now=builders.NOW, part_rows=part_rows)


@given(st.lists(any_key, max_size=20), st.integers(min_value=1, max_value=7))
def test_any_rows_come_back_in_key_order_whatever_order_they_went_in(keys, part_rows):
    storage = MemoryStorage()

    written = finish(storage, [builders.row(key) for key in keys], part_rows=part_rows)

    read = [row.key for row in manifest.read_rows(storage, written)]
    assert read == sorted(set(keys), key=str.encode)
    assert [part.rows for part in written.parts[:-1]] == [part_rows] * (len(written.parts) - 1)


def test_the_last_row_of_a_key_wins():
    storage = MemoryStorage()

    written = finish(storage, [builders.row("a", state=State.PENDING), builders.row("a", words=7)])

    assert [(row.state, row.words) for row in manifest.read_rows(storage, written)] == [(State.DONE, 7)]


def test_the_totals_are_sums_over_the_rows():
    rows = [
        builders.row("a", run_id="run1", duration_s=60.0, words=100, cost_usd=0.25),
        builders.row("b", run_id="run0", duration_s=30.5, words=50, cost_usd=None),
        builders.row("c", run_id="run1", state=State.FAILED, reason="not_audio", duration_s=9.0),
    ]

    written = finish(MemoryStorage(), rows)

    totals = written.totals
    assert (totals.objects, totals.by_state) == (3, {"done": 2, "failed": 1})
    assert totals.by_reason == {"not_audio": 1}
    assert (totals.audio_s, totals.words, totals.cost_usd, totals.cost_unknown) == (90.5, 150, 0.25, 1)
    assert (written.this_run.objects, written.this_run.cost_usd) == (2, 0.25)


@pytest.mark.parametrize(("states", "complete"), [([State.DONE], True), ([State.DONE, State.PENDING], False)])
def test_a_manifest_with_pending_objects_is_not_complete(states, complete):
    rows = [builders.row(f"{number}", state=state) for number, state in enumerate(states)]

    assert finish(MemoryStorage(), rows).complete is complete


def test_a_manifest_of_a_run_that_has_left_failures_untried_is_not_complete():
    """Its time was over before their turn came."""
    rows = [builders.row("a", state=State.FAILED, reason="request_failed")]

    assert finish(MemoryStorage(), rows).complete
    assert not finish(MemoryStorage(), rows, facts=replace(FACTS, left=1)).complete


def test_latest_points_to_the_manifest_that_was_written_last():
    storage = MemoryStorage()
    finish(storage, [builders.row("a")])
    second = RunFacts("run2", ARCHIVE, builders.OUTPUT, FACTS.recipe, builders.NOW)

    written = finish(storage, [builders.row("b")], facts=second)

    assert manifest.read_latest(storage, builders.OUTPUT, ARCHIVE) == written
    assert manifest.read_latest(storage, builders.OUTPUT, Place(bucket="podcasts")) is None


def test_a_part_that_was_changed_is_noticed():
    storage = MemoryStorage()
    written = finish(storage, [builders.row("a")])
    storage.put("podcasts", "_nightscribe/archives/shows/runs/run1/part-00001.jsonl.gz", b"tampered")

    with pytest.raises(ConfigurationError) as caught:
        list(manifest.read_rows(storage, written))

    assert caught.value.reason == "manifest_damaged"


def test_a_manifest_of_another_version_is_refused_with_what_to_do():
    storage = MemoryStorage()
    storage.put("podcasts", "_nightscribe/archives/shows/latest.json", b'{"schema_version": 99}')

    with pytest.raises(ConfigurationError, match=r"latest\.json"):
        manifest.read_latest(storage, builders.OUTPUT, ARCHIVE)


def second_run(run_id="run2"):
    return replace(FACTS, run_id=run_id)


def test_runs_that_finish_without_end_in_the_same_moment_are_told_so():
    class Racing(MemoryStorage):
        def write(self, bucket, key, body, **options):
            if key.endswith("latest.json"):
                run_id = f"run-{self.calls['read']}"
                other = Latest(run_id=run_id, manifest_key="x", finished_at=builders.NOW)
                self.put(bucket, key, other.model_dump_json().encode())
            return super().write(bucket, key, body, **options)

    storage = Racing()
    base = manifest.read_newest(storage, builders.OUTPUT, ARCHIVE)
    with pytest.raises(ServiceUnavailableError) as caught:
        finish(storage, [builders.row("a")], base=base)

    assert caught.value.reason == "manifest_contended"


outcomes = st.dictionaries(any_key, st.sampled_from([State.DONE, State.FAILED, None]), max_size=8)


@given(outcomes, outcomes, outcomes)
def test_two_runs_that_finish_at_once_lose_no_transcript(before, first, second):
    """Both began with the same manifest. None: an object that the run saw no more."""
    storage = MemoryStorage()
    finish(storage, [builders.row(key, state=state) for key, state in before.items() if state])
    base = manifest.read_newest(storage, builders.OUTPUT, ARCHIVE)

    for run_id, changes in (("run2", first), ("run3", second)):
        with Draft() as draft:
            for key, state in changes.items():
                if state is None:
                    draft.remove(key)
                else:
                    draft.put(builders.row(key, state=state, run_id=run_id))
            last = manifest.finish(storage, draft, second_run(run_id), base, now=builders.NOW, part_rows=3)

    rows = {row.key: row for row in manifest.read_rows(storage, last)}
    transcribed = {key for run in (first, second) for key, state in run.items() if state is State.DONE}
    assert transcribed <= {key for key, row in rows.items() if row.state is State.DONE}
    assert {key for key, state in second.items() if state} <= set(rows)
    assert manifest.read_latest(storage, builders.OUTPUT, ARCHIVE) == last


@given(outcomes, outcomes)
def test_what_a_run_does_not_change_stays_to_the_byte(before, changes):
    storage = MemoryStorage()
    finish(storage, [builders.row(key, state=state) for key, state in before.items() if state])
    base = manifest.read_newest(storage, builders.OUTPUT, ARCHIVE)
    old = {row.key: row.line for row in manifest.remembered(storage, base.manifest)}
    with Draft() as draft:
        for key, state in changes.items():
            if state is None:
                draft.remove(key)
            else:
                draft.put(builders.row(key, state=state, run_id="run2"))
        written = manifest.finish(storage, draft, second_run(), base, now=builders.NOW, part_rows=3)

    new = {row.key: row.line for row in manifest.remembered(storage, written)}
    assert new.keys() == (old.keys() | changes.keys()) - {key for key, state in changes.items() if state is None}
    assert all(new[key] == line for key, line in old.items() if key in new and key not in changes)
    assert all(
        new[key] == builders.row(key, state=state, run_id="run2").model_dump_json().encode()
        for key, state in changes.items()
        if state
    )


def test_a_night_without_news_moves_nothing_but_the_moment_of_the_last_look():
    storage = MemoryStorage()
    written = finish(storage, [builders.row("a")])
    base = manifest.read_newest(storage, builders.OUTPUT, ARCHIVE)
    later = builders.NOW + timedelta(days=1)
    storage.calls.clear()

    manifest.confirm(storage, builders.OUTPUT, ARCHIVE, base, now=later)

    assert storage.calls == {"write": 1}
    after = manifest.read_newest(storage, builders.OUTPUT, ARCHIVE)
    assert (after.manifest, after.latest.looked_at) == (written, later)


def test_segments_keep_rows_over_a_crash_in_order():
    storage = MemoryStorage()
    first = Segments(storage, builders.OUTPUT, ARCHIVE, "run1")
    first.append([builders.row("b")])
    first.append([builders.row("a")])
    second = Segments(storage, builders.OUTPUT, ARCHIVE, "run1")

    before = [row.key for row in second.read()]
    second.append([builders.row("c")])

    assert before == ["b", "a"]
    assert [len(rows) for rows in second.batches()] == [1, 1, 1]
    assert [row.key for row in Segments(storage, builders.OUTPUT, ARCHIVE, "run1").read()] == ["b", "a", "c"]


def test_a_segment_number_that_is_taken_is_passed_over():
    storage = MemoryStorage()
    Segments(storage, builders.OUTPUT, ARCHIVE, "run1").append([builders.row("a")])

    Segments(storage, builders.OUTPUT, ARCHIVE, "run1").append([builders.row("b")])

    assert len(list(Segments(storage, builders.OUTPUT, ARCHIVE, "run1").read())) == 2


@given(st.dictionaries(any_key, st.booleans(), max_size=20))
def test_a_draft_tells_which_jobs_have_not_come_back(settled):
    with Draft() as draft:
        for key in settled:
            draft.put(builders.row(key, state=State.PENDING, reason=PLANNED))
        for key in [key for key, is_settled in settled.items() if is_settled]:
            draft.put(builders.row(key, words=7))

        assert [row.key for row in draft.unsettled()] == sorted(
            (key for key, is_settled in settled.items() if not is_settled), key=str.encode
        )
        assert {key: draft.get(key).words for key in settled} == {
            key: 7 if is_settled else None for key, is_settled in settled.items()
        }


def test_a_draft_can_be_written_while_its_unsettled_rows_are_read():
    """Jobs come back while the forgotten ones are sent again; more than one page of them."""
    with Draft() as draft:
        for number in range(1200):
            draft.put(builders.row(f"{number:04}", state=State.PENDING, reason=PLANNED))
        seen = 0
        for row in draft.unsettled():
            seen += 1
            draft.put(builders.row(row.key))

        assert seen == 1200
        assert list(draft.unsettled()) == []


def test_a_draft_knows_nothing_of_a_key_that_was_not_put():
    with Draft() as draft:
        assert draft.get("a") is None


def test_what_is_pending_for_another_reason_was_not_sent():
    with Draft() as draft:
        draft.put(builders.row("a", state=State.PENDING, reason="over_limit"))

        assert list(draft.unsettled()) == []


@given(st.sets(any_key, max_size=10), st.sets(any_key, max_size=10), st.integers(1, 4))
def test_newer_rows_overlay_older_ones(older, newer, block_rows):
    """Against a naive dictionary model."""

    def rows(keys, words):
        return [builders.remembered(builders.row(key, words=words)) for key in sorted(keys, key=str.encode)]

    known = manifest.overlaid(packed_rows(rows(older, 1), block_rows), rows(newer, 2))
    merged = {row.key: row.words for some in known for row in some.rows()}

    assert merged == dict.fromkeys(older, 1) | dict.fromkeys(newer, 2)
    assert list(merged) == sorted(older | newer, key=str.encode)
