"""plan: what a decision carries, and the looks at sidecars. Its table and its join have files of their own."""

from __future__ import annotations

import threading
from datetime import timedelta

import builders
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning import OTHER, SETTINGS, decide, decided, stamp, stretches, verdict

from pipeline import keys
from pipeline.errors import ServiceUnavailableError
from pipeline.manifest.overlay import loose
from pipeline.models import Format, Handling, Job, ManifestRow, Place, Skip, SkipReason, State
from pipeline.plan import Mode, Request, left_over, plan, planned_again, planned_row
from pipeline.plan.looking import AT_ONCE

PATIENCE_S = 30.0
DONE = {"state": State.DONE, "sidecar_etag": "s1"}


def test_what_the_manifest_knows_costs_no_request():
    """A run that finds nothing new asks S3 for nothing but the listing (I7)."""
    items = [builders.found(f"{number:03}.mp3", sidecar_etag="s1") for number in range(50)]
    rows = [builders.row(f"{number:03}.mp3", **DONE) for number in range(50)]

    decisions, heads = decide(items, rows)

    assert {decision.reason for decision in decisions} == {SkipReason.CURRENT}
    assert heads == []


def unknown(count):
    """Objects with a sidecar that no row knows."""
    return [builders.found(f"{number:03}.mp3", sidecar_etag="s1") for number in range(count)]


def test_sidecars_are_looked_at_many_at_once_each_of_them_once_and_decided_in_order():
    """The first look ends last: only when as many as may be are under way, and all others of these have ended."""
    items, begun, ended = unknown(3 * AT_ONCE), [], threading.Semaphore(0)
    together = threading.Barrier(AT_ONCE, timeout=PATIENCE_S)

    def look(item):
        begun.append(item.key)
        if item in items[:AT_ONCE]:
            together.wait()
        if item == items[0]:
            for _ in range(AT_ONCE - 1):
                assert ended.acquire(timeout=PATIENCE_S)
        ended.release()
        return stamp(recipe=OTHER if item == items[0] else None)

    decisions = list(decided(items, look=look))

    assert [decision.row.key for decision in decisions] == [item.key for item in items]
    assert [verdict(decision) for decision in decisions] == ["other_recipe"] + ["current"] * (len(items) - 1)
    assert sorted(begun) == [item.key for item in items]


def test_what_waits_behind_a_look_is_bounded_too():
    """Known objects behind one that is looked at wait for it; not all that the archive has (I6)."""
    known = [f"{number:05}.mp3" for number in range(10_000)]
    taken, may_end = 0, threading.Event()

    def found():
        nonlocal taken
        yield builders.found("!.mp3", sidecar_etag="s1")
        for key in known:
            taken += 1
            yield builders.found(key, sidecar_etag="s1")

    def look(_item):
        assert may_end.wait(PATIENCE_S)
        return stamp()

    decisions = iter(decided(found(), [builders.row(key, **DONE) for key in known], look))
    # The plan stops for the look in another thread; this one sees where.
    first = []
    reader = threading.Thread(target=lambda: first.append(next(decisions)))
    reader.start()
    before = -1
    while before != taken or not taken:
        before = taken
        reader.join(0.2)
    may_end.set()
    reader.join(PATIENCE_S)

    assert first[0].row.key == "!.mp3"
    assert taken < 3000
    assert len(list(decisions)) == len(known)


def test_a_look_that_fails_ends_the_plan_with_its_error():
    def look(item):
        if item.key == "040.mp3":
            raise ServiceUnavailableError("S3 is away.")
        return stamp()

    decisions = []
    with pytest.raises(ServiceUnavailableError, match="S3 is away"):
        decisions.extend(decided(unknown(50), look=look))


def test_a_plan_that_is_left_in_the_middle_looks_at_nothing_more():
    looks = []

    def look(item):
        looks.append(item.key)
        return stamp()

    decisions = iter(decided(unknown(10 * AT_ONCE), look=look))
    next(decisions)
    decisions.close()

    assert len(looks) <= AT_ONCE + 1


def test_rows_of_deleted_objects_fall_out_and_new_objects_come_in():
    rows = [builders.row(key, **DONE) for key in ("a.mp3", "b.mp3", "d.mp3")]
    items = [builders.found(key, sidecar_etag="s1") for key in ("b.mp3", "d.mp3")] + [builders.found("e.mp3")]

    decisions, _ = decide(items, rows)

    assert [verdict(decision) for decision in decisions] == ["gone", "current", "current", "job"]


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
    (agreed,), _ = decide([builders.found()], [row], mode=Mode.REBILL, allow_rebill=True)

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


def test_what_is_planned_after_the_deadline_is_pending_and_what_failed_stays_failed():
    rows = [builders.row("c.mp3", state=State.FAILED, reason="request_failed")]
    found = [builders.found(f"{letter}.mp3") for letter in "abc"]
    ticks = iter([builders.NOW, builders.NOW + timedelta(hours=1), builders.NOW + timedelta(hours=2)])
    handling = Handling(submit_before=builders.NOW + timedelta(hours=1))
    request = Request("run1", "podcasts", builders.recipe(), builders.OUTPUT, handling=handling)

    first, late, failed = plan(
        stretches(found),
        loose(map(builders.remembered, rows)),
        request,
        SETTINGS,
        lambda _: None,
        now=lambda: next(ticks),
    )

    assert isinstance(first, Job)
    assert first.handling == handling
    assert (late.reason, late.row.state, late.row.reason) == (
        SkipReason.AFTER_DEADLINE,
        State.PENDING,
        "after_deadline",
    )
    assert (failed.reason, failed.row.row()) == (SkipReason.AFTER_DEADLINE, rows[0])


def test_the_deadline_is_no_part_of_what_is_decided():
    """Otherwise each night would pay anew."""
    (job,), _ = decide([builders.found()])
    (late,), _ = decide([builders.found()], handling=Handling(submit_before=builders.NOW + timedelta(days=1)))

    assert late.job_id == job.job_id


def test_what_a_run_ends_without_is_as_if_it_had_not_been_planned():
    planned = [
        builders.remembered(builders.row(f"{letter}.mp3", state=State.PENDING, reason="planned", attempts=1))
        for letter in "bcde"
    ]
    before = [
        builders.row("a.mp3"),
        builders.row("b.mp3", state=State.UNCERTAIN, reason="submit_reply_lost"),
        builders.row("c.mp3", state=State.FAILED, reason="not_audio", etag="of another version"),
        builders.row("d.mp3", state=State.PENDING, reason="over_limit"),
    ]

    left = list(left_over(planned, map(builders.remembered, before), SkipReason.BUDGET_REACHED))

    uncertain, changed, limited, new = (row if isinstance(row, ManifestRow) else row.row() for row in left)
    assert uncertain == before[1]
    assert {(row.state, row.reason) for row in (changed, limited, new)} == {(State.PENDING, "budget_reached")}
    assert [row.attempts for row in (changed, limited, new)] == [1, 1, 1]


def test_a_fault_says_what_to_do():
    (decision,), _ = decide([builders.found(size_bytes=0)])

    assert "Upload it again" in decision.row.message


def test_the_sidecar_of_a_longer_output_prefix_is_measured_too():
    request = Request("run1", builders.BUCKET, builders.recipe(), Place(bucket="b", prefix="p" * 500))
    item = builders.found("x" * 505 + ".mp3")

    (decision,) = plan(stretches([item]), [], request, SETTINGS, lambda _: None, now=lambda: builders.NOW)

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
