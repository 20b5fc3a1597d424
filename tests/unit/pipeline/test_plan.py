"""plan: one truth table, each row of it a case."""

from __future__ import annotations

import builders
import pytest

from pipeline import keys, sidecars
from pipeline.models import Job, Place, Skip, SkipReason, State
from pipeline.plan import Mode, Request, plan, planned_row

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


def decide(found, rows=(), *, mode=Mode.INCREMENTAL, limit=None, looked=None):
    """The decisions, and how many HEADs they cost."""
    heads = []

    def look(item):
        heads.append(item.audio.key)
        return looked

    request = Request("run1", builders.recipe(), builders.OUTPUT, (), mode, limit)
    return list(plan(found, rows, request, SETTINGS, look)), heads


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
    "uncertain": ({}, {"state": State.UNCERTAIN}, None, SkipReason.UNCERTAIN),
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
    "excluded before": ({}, {"state": State.SKIPPED}, None, "job"),
}


@pytest.mark.parametrize(("seen", "remembered", "looked", "expected"), CASES.values(), ids=CASES.keys())
def test_the_truth_table(seen, remembered, looked, expected):
    item = builders.found(**seen)
    rows = [builders.row(item.audio.key, **remembered)] if remembered else []

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

    assert [type(decision) for decision in decisions] == [Skip, Skip, Job]


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


def test_upgrade_redoes_what_another_recipe_has_done():
    rows = [builders.row(recipe=OTHER.hash, **DONE)]

    (decision,), _ = decide([builders.found(sidecar_etag="s1")], rows, mode=Mode.UPGRADE)

    assert isinstance(decision, Job)
    assert decision.prior_attempts == 0


def test_beyond_the_limit_objects_are_pending_and_stay_in_the_manifest():
    decisions, _ = decide([builders.found(f"{letter}.mp3") for letter in "abc"], limit=2)

    assert [type(decision) for decision in decisions] == [Job, Job, Skip]
    assert (decisions[2].reason, decisions[2].row.state) == (SkipReason.OVER_LIMIT, State.PENDING)


def test_a_fault_says_what_to_do():
    (decision,), _ = decide([builders.found(size_bytes=0)])

    assert "Upload it again" in decision.row.message


def test_the_sidecar_of_a_longer_output_prefix_is_measured_too():
    request = Request("run1", builders.recipe(), Place(bucket="b", prefix="p" * 500))
    item = builders.found("x" * 505 + ".mp3")

    (decision,) = plan([item], [], request, SETTINGS, lambda _: None)

    assert decision.reason == SkipReason.KEY_TOO_LONG


def test_a_planned_row_is_pending_under_its_job():
    job = builders.job()

    row = planned_row(job)

    assert (row.state, row.job_id, row.key) == (State.PENDING, keys.job_id(job.object, job.recipe), job.object.key)
