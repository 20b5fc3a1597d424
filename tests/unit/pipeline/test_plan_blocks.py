"""Blocks that a listing shows unchanged are decided at once, and exactly as each of their objects would be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import MODES, OTHER, SETTINGS, packed_rows, request, stamp, stretches

from pipeline.errors import ConfigurationError
from pipeline.manifest import overlaid
from pipeline.manifest.overlay import loose
from pipeline.models import Found, Job, KnownRows, Skip, SkipReason, State, Untouched
from pipeline.plan import Mode, plan

RECIPE = builders.recipe().hash
DONE = {"state": State.DONE, "recipe": RECIPE, "run_id": "run0"}
ROWS = {
    "current": DONE,
    "by another recipe": DONE | {"recipe": OTHER.hash},
    "by a second opinion": DONE | {"recipe": OTHER.hash, "stands_for": RECIPE},
    "without a sidecar": DONE | {"sidecar_etag": None},
    "of nothing": DONE | {"size_bytes": 0},
    "of a version": DONE | {"version_id": "v1"},
    "failed for good": {"state": State.FAILED, "reason": "not_audio", "permanent": True, "recipe": RECIPE},
    "failed in passing": {"state": State.FAILED, "reason": "request_failed"},
    "pending": {"state": State.PENDING, "reason": "over_limit"},
    "left out": {"state": State.SKIPPED, "reason": "excluded"},
    "empty": {"state": State.FAILED, "reason": "empty_object", "permanent": True, "size_bytes": 0},
}
CHANGES = {
    "same": lambda item: [item],
    "gone": lambda _: [],
    "other etag": lambda item: [item_with(item, etag="e2")],
    "other size": lambda item: [item_with(item, size_bytes=item.size_bytes + 1)],
    "sidecar gone": lambda item: [item_with(item, sidecar_etag=None)],
    "other sidecar": lambda item: [item_with(item, sidecar_etag="s2")],
    "other version": lambda item: [item_with(item, version_id="v2")],
    "excluded": lambda item: [item_with(item, excluded=True)],
    "later": lambda item: [item_with(item, last_modified="2027-01-01T00:00:00Z")],
    "one more": lambda item: [item, item_with(item, key=f"{item.key}+", sidecar_etag=None)],
}
keys = st.sets(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0x2FFF), min_size=1, max_size=5))
mostly_current = st.one_of(st.just("current"), st.just("current"), st.just("current"), st.sampled_from(sorted(ROWS)))
mostly_same = st.one_of(*[st.just("same")] * 6, st.sampled_from(sorted(CHANGES)))


def item_with(item, **changes):
    return Found(**{name: getattr(item, name) for name in Found.__struct_fields__} | changes)


def row_of(key, what):
    facts = {"sidecar_etag": "s1" if ROWS[what]["state"] is State.DONE else None} | ROWS[what]
    return builders.remembered(builders.row(f"{key}.mp3", **facts))


def shown(row):
    """The object as a listing shows it while nothing has changed."""
    return builders.found(row.key, sidecar_etag=row.sidecar_etag, etag=row.etag, size_bytes=row.size_bytes)


def decisions_on(found, remembered, sizes=(3,), settings=SETTINGS, **asked):
    pieces = stretches(found, iter([*sizes, *[5] * len(found)]))
    made_by = request(**asked)
    return list(plan(pieces, remembered, made_by, settings, lambda _: stamp(), now=lambda: builders.NOW))


def told(decisions):
    """What is decided, however it is told; the order of what is not simply current."""
    current = sum(
        each.objects if isinstance(each, Untouched) else isinstance(each, Skip) and each.reason is SkipReason.CURRENT
        for each in decisions
    )
    others = [
        (each.object.key, each.planned_as) if isinstance(each, Job) else (each.row.key, each.reason, each.row)
        for each in decisions
        if isinstance(each, Job) or (isinstance(each, Skip) and each.reason is not SkipReason.CURRENT)
    ]
    return current, others


@given(keys, st.data(), st.integers(1, 6), st.lists(st.integers(1, 7), max_size=4), st.sampled_from(MODES))
def test_blocks_decide_what_each_of_their_rows_would(names, data, block_rows, sizes, mode):
    ordered = sorted(names, key=lambda key: f"{key}.mp3")
    rows = [row_of(key, data.draw(mostly_current)) for key in ordered]
    changes = [data.draw(mostly_same) for _ in rows]
    by_key = {item.key: item for row, change in zip(rows, changes, strict=True) for item in CHANGES[change](shown(row))}
    found = [by_key[key] for key in sorted(by_key)]

    at_once = decisions_on(found, packed_rows(rows, block_rows), sizes, mode=mode)
    one_by_one = decisions_on(found, loose(rows), sizes, mode=mode)

    assert told(at_once) == told(one_by_one)
    assert not any(isinstance(each, Untouched) for each in one_by_one)


@pytest.mark.parametrize(
    ("change", "is_untouched"),
    [("same", True), ("later", True), *((change, False) for change in CHANGES if change not in {"same", "later"})],
)
def test_only_what_decides_makes_a_block_another(change, is_untouched):
    rows = [row_of(letter, "current") for letter in "abcd"]
    found = [item for row in rows for item in (CHANGES[change] if row.key == "b.mp3" else CHANGES["same"])(shown(row))]

    decisions = decisions_on(found, packed_rows(rows, 2))

    assert [each.objects for each in decisions if isinstance(each, Untouched)] == ([2, 2] if is_untouched else [2])


@pytest.mark.parametrize("what", ROWS)
@pytest.mark.parametrize("mode", MODES)
def test_a_row_of_any_kind_among_current_ones_is_decided_as_if_it_stood_alone(what, mode):
    rows = [row_of(f"{number:02}", what if number == 5 else "current") for number in range(20)]
    found = list(map(shown, rows))

    decisions = decisions_on(found, packed_rows(rows, 20), mode=mode)

    assert told(decisions) == told(decisions_on(found, loose(rows), mode=mode))
    assert any(isinstance(each, Untouched) for each in decisions) == (mode is not Mode.FORCE)


def unpacked(blocks):
    """The blocks, and the keys of those rows that somebody has unpacked, in order."""
    seen = []

    class Watched:
        def __init__(self, inner: KnownRows) -> None:
            self.last_key, self.count, self.block, self._inner = inner.last_key, inner.count, inner.block, inner

        def rows(self):
            return self._noted(self._inner.rows())

        def some(self, numbers):
            return self._noted(self._inner.some(numbers))

        def _noted(self, rows):
            seen.extend(row.key for row in rows)
            return rows

    return [Watched(block) for block in blocks], seen


def test_what_is_untouched_is_not_even_unpacked_and_of_a_block_only_what_is_not_current():
    whats = {"a": "current", "b": "current", **dict.fromkeys("cdefghij", "current"), "k": "failed for good"}
    rows = [row_of(letter, what) for letter, what in whats.items()]
    blocks, seen = unpacked(packed_rows(rows[:2], 2) + packed_rows(rows[2:], 9))

    decisions = decisions_on(list(map(shown, rows)), blocks)

    assert seen == ["k.mp3"]
    assert told(decisions) == (10, [("k.mp3", SkipReason.FAILED_BEFORE, rows[-1])])
    assert [each.objects for each in decisions if isinstance(each, Untouched)] == [2, 8]


@pytest.mark.parametrize(
    ("asked", "settings"),
    [
        ({"mode": Mode.FORCE}, SETTINGS),
        ({"one_by_one": True}, SETTINGS),
        ({}, SETTINGS.model_copy(update={"max_size_bytes": 1})),
    ],
)
def test_where_each_is_decided_anew_or_told_alone_none_is_decided_with_others(asked, settings):
    rows = [row_of(letter, "current") for letter in "ab"]

    decisions = decisions_on(list(map(shown, rows)), packed_rows(rows, 2), settings=settings, **asked)

    assert len(decisions) == 2
    assert not any(isinstance(each, Untouched) for each in decisions)


def test_another_recipe_is_not_that_of_the_block():
    rows = [row_of(letter, "by another recipe") for letter in "ab"]

    decisions = decisions_on(list(map(shown, rows)), packed_rows(rows, 2))

    assert [each.reason for each in decisions] == [SkipReason.OTHER_RECIPE] * 2


def test_a_block_with_many_others_is_not_worth_a_look():
    few = [row_of(f"{number:03}", "pending" if number % 10 == 0 else "current") for number in range(500)]
    many = [row_of(f"{number:03}", "pending" if number % 5 == 0 else "current") for number in range(500)]

    (with_few,), (with_many,) = packed_rows(few, 500), packed_rows(many, 500)

    assert with_few.block.others == tuple(range(0, 500, 10))
    assert (with_many.block.fingerprint, with_many.block.others) == (None, ())


@pytest.mark.parametrize("settled_key", ["c.mp3", "d.mp3"])
def test_a_run_that_is_taken_over_unpacks_only_the_blocks_that_it_has_settled_rows_in(settled_key):
    rows = [row_of(letter, "current") for letter in "abcdef"]
    settled = [builders.remembered(builders.row(settled_key, sidecar_etag="s2", run_id="run1", recipe=RECIPE))]
    blocks, seen = unpacked(packed_rows(rows, 2))
    found = [item_with(item, sidecar_etag="s2") if item.key == settled_key else item for item in map(shown, rows)]

    decisions = decisions_on(found, overlaid(blocks, settled))

    assert told(decisions) == (6, [])
    assert seen == ["c.mp3", "d.mp3"]


def test_a_second_opinion_is_what_was_asked_for_in_a_block_too():
    rows = [row_of("a", "by a second opinion"), row_of("b", "current"), row_of("c", "by a second opinion")]

    (block,) = packed_rows(rows, 3)

    assert (block.block.recipe, block.block.others) == (RECIPE, ())


def test_a_list_of_keys_unpacks_only_the_blocks_that_they_lie_in():
    rows = [row_of(letter, "pending") for letter in "abcdef"]
    blocks, seen = unpacked(packed_rows(rows, 2))

    (job,) = decisions_on([shown(rows[2])], blocks, is_whole=False)

    assert job.object.key == "c.mp3"
    assert seen == ["c.mp3", "d.mp3"]


def test_a_million_new_objects_before_a_block_do_not_wait_for_its_end():
    rows = [row_of(letter, "current") for letter in "yz"]
    read = Counter()

    def new():
        for number in range(1000):
            read["objects"] += 1
            yield builders.found(f"new/{number:04}.mp3")
        yield from map(shown, rows)

    decisions = plan(
        stretches(new()), packed_rows(rows, 2), request(), SETTINGS, lambda _: None, now=lambda: builders.NOW
    )

    assert isinstance(next(iter(decisions)), Job)
    assert read["objects"] < 10


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("numbers", [[], [0], [3, 499], [124, 125], range(0, 500, 7), [499]])
def test_any_rows_of_a_block_can_be_unpacked_alone(is_first, numbers):
    rows = [row_of(f"{number:04}", "current") for number in range(1000)]

    block = packed_rows(rows, 500)[not is_first]

    expected = rows[:500] if is_first else rows[500:]
    assert block.some(numbers) == [expected[number] for number in numbers]
    assert block.rows() == expected


def test_a_block_that_is_not_what_the_manifest_says_is_damage():
    (block,) = packed_rows([row_of(letter, "pending") for letter in "ab"], 2)
    for damaged in (
        replace(block, packed=block.packed[:-9]),
        replace(block, is_first=False),
        replace(block, block=block.block.model_copy(update={"rows": 3})),
    ):
        with pytest.raises(ConfigurationError, match="manifest rebuild"):
            damaged.rows()
        with pytest.raises(ConfigurationError, match="manifest rebuild"):
            damaged.some([2])
