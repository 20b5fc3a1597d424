"""plan: one truth table, each row of it a case."""

from __future__ import annotations

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import keys, sidecars
from pipeline.models import Format, Job, Place, Skip, SkipReason, State
from pipeline.plan import Mode, Request, plan, planned_again, planned_row

SETTINGS = builders.settings().audio
OTHER = builders.recipe("fal-ai/wizper")


def stamp(*, etag="e1", recipe=None):
    recipe = recipe or builders.recipe()
    sidecar_row = builders.row(recipe=recipe.hash)
    return sidecars.SidecarStamp(
        job_id=sidecar_row.job_id,
        object_etag=etag,
        recipe=recipe.hash,
        run_id="run0",
        endpoint_id=recipe.endpoint_id,
        request_id="r-1",
        attempts=1,
        duration_s=60.0,
        words=100,
        language="en",
        speech=True,
        cost_usd=None,
        processing_s=3.0,
        written_at=builders.NOW,
    )


def decide(found, rows=(), *, mode=Mode.INCREMENTAL, limit=None, looked=None, **asked):
    """The decisions, and how many HEADs they cost."""
    heads = []

    def look(item):
        heads.append(item.key)
        return looked

    if mode is Mode.RETRY_FAILED and asked.get("allow_rebill"):
        mode = Mode.REBILL
    request = Request("run1", builders.BUCKET, builders.recipe(), builders.OUTPUT, (), mode, limit, **asked)
    return list(plan(found, map(builders.remembered, rows), request, SETTINGS, look, now=lambda: builders.NOW)), heads


DONE = {"state": State.DONE, "sidecar_etag": "s1"}
CASES = {
    "new": ({}, None, None, "job"),
    "excluded": ({"excluded": True}, None, None, SkipReason.EXCLUDED),
    "empty": ({"size_bytes": 0}, None, None, SkipReason.EMPTY_OBJECT),
    "too large": ({"size_bytes": 6_000_000_000}, None, None, SkipReason.TOO_LARGE),
    "key too long": ({"key": "x" * 1015 + ".mp3"}, None, None, SkipReason.KEY_TOO_LONG),
    "current": ({"sidecar_etag": "s1"}, DONE, None, SkipReason.CURRENT),
    "current, unknown to the manifest": ({"sidecar_etag": "s1"}, None, stamp(), SkipReason.CURRENT),
    "sidecar gone": ({}, DONE, None, "job"),
    "sidecar edited by somebody": ({"sidecar_etag": "s2"}, DONE, None, SkipReason.FOREIGN_SIDECAR),
    "sidecar rewritten by us": ({"sidecar_etag": "s2"}, DONE, stamp(), SkipReason.CURRENT),
    "a stranger's sidecar": ({"sidecar_etag": "s1"}, None, None, SkipReason.FOREIGN_SIDECAR),
    "audio changed": ({"sidecar_etag": "s1", "etag": "e2"}, DONE, stamp(), "job"),
    "other recipe": ({"sidecar_etag": "s1"}, DONE | {"recipe": OTHER.hash}, None, SkipReason.OTHER_RECIPE),
    "uncertain: the worker asks fal's history": ({}, {"state": State.UNCERTAIN}, None, "job"),
    "stale: replaced while it was transcribed": (
        {},
        {"state": State.FAILED, "reason": "stale", "permanent": False},
        None,
        "job",
    ),
    "its paid result has expired": (
        {},
        {"state": State.FAILED, "reason": "result_expired", "permanent": True},
        None,
        SkipReason.FAILED_BEFORE,
    ),
    "failed for good": ({}, {"state": State.FAILED, "permanent": True}, None, SkipReason.FAILED_BEFORE),
    "failed for a passing reason": ({}, {"state": State.FAILED, "permanent": False}, None, "job"),
    "failed for good with another recipe": (
        {},
        {"state": State.FAILED, "permanent": True, "recipe": OTHER.hash},
        None,
        "job",
    ),
    "still empty": (
        {"size_bytes": 0},
        {"state": State.FAILED, "reason": "empty_object", "size_bytes": 0},
        None,
        SkipReason.FAILED_BEFORE,
    ),
    "pending": ({}, {"state": State.PENDING}, None, "job"),
    "left out under a ceiling": ({}, {"state": State.PENDING, "reason": "duration_unknown"}, None, "job"),
    "excluded before": ({}, {"state": State.SKIPPED}, None, "job"),
}


@pytest.mark.parametrize(("seen", "remembered", "looked", "expected"), CASES.values(), ids=CASES.keys())
def test_the_truth_table(seen, remembered, looked, expected):
    item = builders.found(**seen)
    rows = [builders.row(item.key, **remembered)] if remembered else []

    (decision,), _ = decide([item], rows, looked=looked)

    assert (decision.reason if isinstance(decision, Skip) else "job") == expected


def test_what_the_manifest_knows_costs_no_request():
    """A run that finds nothing new asks S3 for nothing but the listing (I7)."""
    items = [builders.found(f"{number:03}.mp3", sidecar_etag="s1") for number in range(50)]
    rows = [builders.row(f"{number:03}.mp3", **DONE) for number in range(50)]

    decisions, heads = decide(items, rows)

    assert {decision.reason for decision in decisions} == {SkipReason.CURRENT}
    assert heads == []


def test_rows_of_deleted_objects_fall_out_and_new_objects_come_in():
    rows = [builders.row(key, **DONE) for key in ("a.mp3", "b.mp3", "d.mp3")]
    items = [builders.found(key, sidecar_etag="s1") for key in ("b.mp3", "d.mp3")] + [builders.found("e.mp3")]

    decisions, _ = decide(items, rows)

    assert [getattr(decision, "reason", "job") for decision in decisions] == ["gone", "current", "current", "job"]


def test_retry_failed_plans_failures_with_the_attempts_they_have_had_and_nothing_else():
    items = [builders.found("bad.mp3"), builders.found("done.mp3", sidecar_etag="s1"), builders.found("new.mp3")]
    rows = [
        builders.row("bad.mp3", state=State.FAILED, permanent=True, attempts=3),
        builders.row("done.mp3", **DONE),
    ]

    (again, done, new), _ = decide(items, rows, mode=Mode.RETRY_FAILED)

    assert again.prior_attempts == 3
    assert done.reason == SkipReason.CURRENT
    assert (new.reason, new.row.state) == (SkipReason.NOT_FAILED, State.PENDING)


@pytest.mark.parametrize(
    "row",
    [{"state": State.UNCERTAIN}, {"state": State.PENDING, "reason": "duration_unknown"}],
    ids=["uncertain", "left"],
)
def test_retry_failed_is_also_about_what_is_not_settled_for_good(row):
    (decision,), _ = decide([builders.found()], [builders.row(**row)], mode=Mode.RETRY_FAILED)

    assert isinstance(decision, Job)


def test_an_expired_result_is_paid_for_again_only_when_a_person_agrees():
    row = builders.row(state=State.FAILED, reason="result_expired", permanent=True, message="It has expired.")

    (refused,), _ = decide([builders.found()], [row], mode=Mode.RETRY_FAILED)
    (agreed,), _ = decide([builders.found()], [row], mode=Mode.RETRY_FAILED, allow_rebill=True)

    assert refused.reason is SkipReason.FAILED_BEFORE
    assert refused.row.message == "It has expired. To pay for it again: nightscribe retry-failed --allow-rebill."
    assert agreed.allow_rebill


def test_a_job_says_when_it_was_planned_and_if_its_run_has_a_ceiling():
    (free,), _ = decide([builders.found()])
    (bounded,), _ = decide([builders.found()], budgeted=True)

    assert (free.planned_at, free.budgeted, free.allow_rebill) == (builders.NOW, False, False)
    assert bounded.budgeted


def test_upgrade_redoes_what_another_recipe_has_done():
    rows = [builders.row(recipe=OTHER.hash, **DONE)]

    (decision,), _ = decide([builders.found(sidecar_etag="s1")], rows, mode=Mode.UPGRADE)

    assert isinstance(decision, Job)
    assert decision.prior_attempts == 0


def test_beyond_the_limit_objects_are_pending_and_stay_in_the_manifest():
    decisions, _ = decide([builders.found(f"{letter}.mp3") for letter in "abc"], limit=2)

    assert [type(decision) for decision in decisions] == [Job, Job, Skip]
    assert (decisions[2].reason, decisions[2].row.state) == (SkipReason.OVER_LIMIT, State.PENDING)


def test_what_has_failed_stays_failed_in_the_manifest_when_it_is_beyond_the_limit():
    rows = [builders.row(f"{letter}.mp3", state=State.FAILED, reason="not_audio", permanent=True) for letter in "ab"]

    (_, left), _ = decide([builders.found("a.mp3"), builders.found("b.mp3")], rows, mode=Mode.RETRY_FAILED, limit=1)

    assert (left.reason, left.row.row()) == (SkipReason.OVER_LIMIT, rows[1])


def test_a_fault_says_what_to_do():
    (decision,), _ = decide([builders.found(size_bytes=0)])

    assert "Upload it again" in decision.row.message


def test_the_sidecar_of_a_longer_output_prefix_is_measured_too():
    request = Request("run1", builders.BUCKET, builders.recipe(), Place(bucket="b", prefix="p" * 500))
    item = builders.found("x" * 505 + ".mp3")

    (decision,) = plan([item], [], request, SETTINGS, lambda _: None, now=lambda: builders.NOW)

    assert decision.reason == SkipReason.KEY_TOO_LONG


def test_a_planned_row_is_pending_under_its_job():
    job = builders.job()

    row = planned_row(job)

    assert (row.state, row.job_id, row.key) == (State.PENDING, keys.job_id(job.object, job.recipe), job.object.key)
    assert row.is_unsettled


@given(
    st.builds(
        builders.audio,
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
        etag=st.text("0123456789abcdef", min_size=1),
        size_bytes=st.integers(1, 10**12),
        version_id=st.none() | st.text(min_size=1, max_size=5),
    ),
    st.integers(0, 5),
)
def test_a_job_can_be_made_anew_from_its_row(audio, attempts):
    """What Redis forgets is sent again from the draft: it must be the same job to the letter."""
    request = Request(
        "run1", builders.BUCKET, builders.recipe(), builders.OUTPUT, (Format.VTT,), budgeted=True, allow_rebill=True
    )
    job = builders.job(
        audio,
        formats=(Format.VTT,),
        prior_attempts=attempts,
        budgeted=True,
        allow_rebill=True,
        planned_at=builders.NOW,
    )

    assert planned_again(builders.remembered(planned_row(job)), request, builders.NOW) == job
