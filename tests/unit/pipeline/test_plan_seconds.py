"""What later runs do about objects that had a second opinion: they are current, and nothing is paid again."""

from __future__ import annotations

import builders
import pytest
from planning import MODES, OTHER, decide, stamp, verdict

from pipeline.models import State
from pipeline.plan import Mode, settled_over

OURS = builders.recipe().hash
EXPECTED = {mode: "job" if mode is Mode.FORCE else "current" for mode in MODES}


@pytest.mark.parametrize("mode", MODES)
def test_one_that_stands_for_the_recipe_is_current_by_its_row(mode):
    row = builders.row(recipe=OTHER.hash, stands_for=OURS, sidecar_etag="s1")

    (decision,), heads = decide([builders.found(sidecar_etag="s1")], [row], mode=mode)

    assert (verdict(decision), heads) == (EXPECTED[mode], [])


@pytest.mark.parametrize("mode", MODES)
def test_and_by_its_stamp(mode):
    seen = stamp(recipe=OTHER, stands_for=OURS)

    (decision,), heads = decide([builders.found(sidecar_etag="s1")], looked=seen, mode=mode)

    assert (verdict(decision), len(heads)) == (EXPECTED[mode], 1)
    if mode is not Mode.FORCE:
        assert decision.row.stands_for == OURS


@pytest.mark.parametrize("mode", MODES)
def test_one_that_was_tried_in_vain_is_not_tried_again_and_its_row_stays_as_it_is(mode):
    row = builders.row(recipe=OURS, suspect=("loop",), second_tried=OTHER.hash, sidecar_etag="s1")

    (decision,), _ = decide([builders.found(sidecar_etag="s1")], [row], mode=mode)

    assert verdict(decision) == EXPECTED[mode]
    if mode is not Mode.FORCE:
        assert decision.row.row() == row


def test_a_second_opinion_for_another_recipe_is_none_for_this_one():
    row = builders.row(recipe=OTHER.hash, stands_for="0123456789abcdef", sidecar_etag="s1")

    (decision,), _ = decide([builders.found(sidecar_etag="s1")], [row], mode=Mode.UPGRADE)

    assert verdict(decision) == "job"


def test_what_came_to_nothing_leaves_the_first_row_and_says_so_once():
    first = builders.row(recipe=OURS, suspect=("gap",), message="The transcript is suspect: gap.")
    failed = builders.row(
        state=State.FAILED, recipe=OTHER.hash, endpoint_id="m", reason="not_audio", message="No.", stands_for=OURS
    )

    once = settled_over(builders.remembered(first), failed)
    twice = settled_over(builders.remembered(once), failed)

    assert once == twice == first.model_copy(update={"second_tried": OTHER.hash, "message": once.message})
    assert once.message == "The transcript is suspect: gap. A second opinion by m came to nothing (not_audio): No."


@pytest.mark.parametrize("before", [None, builders.row(state=State.PENDING)], ids=["nothing", "no transcript"])
def test_any_other_row_is_what_it_says(before):
    remembered = before and builders.remembered(before)
    for row in (builders.row(), builders.row(state=State.FAILED), builders.row(state=State.FAILED, stands_for=OURS)):
        assert settled_over(remembered, row) == row
