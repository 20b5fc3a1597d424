"""plan: its truth table is the one that was written down apart from it, and each cell is decided by an example."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import builders
import pytest
from planning import EXPECTED, MODES, OTHER, decide, stamp, verdict

from pipeline.models import Job, ManifestRow, SidecarStamp, State
from pipeline.plan import Mode, Standing
from pipeline.plan.table import COLUMNS


@dataclass(frozen=True)
class Case:
    """What is seen of one object, by its listing, its row and its sidecar."""

    standing: str
    seen: dict[str, Any] | None = field(default_factory=dict)
    row: dict[str, Any] | None = None
    looked: SidecarStamp | None = None


DONE = {"state": State.DONE, "sidecar_etag": "s1"}
FAILED = {"state": State.FAILED, "reason": "not_audio", "permanent": True}
OLD = {"etag": "e2", "sidecar_etag": "s1"}
"""A recording that was replaced: beside it stands the sidecar of the version before."""
LONG = "x" * 1005 + ".mp3"
CASES = {
    "never seen": Case("new"),
    "left out before": Case("new", {}, {"state": State.SKIPPED, "reason": "excluded"}),
    "left out before, and transcribed before that": Case(
        "current", {"sidecar_etag": "s1"}, {"state": State.SKIPPED, "reason": "excluded"}, stamp()
    ),
    "left out now": Case("excluded", {"excluded": True}, DONE),
    "left out now, for whatever else is wrong": Case("excluded", {"excluded": True, "size_bytes": 0, "key": LONG}),
    "key too long": Case("key_too_long", {"key": LONG}),
    "key too long, and known to be": Case("fault_reported", {"key": LONG}, FAILED | {"reason": "key_too_long"}),
    "key as long as can be": Case("new", {"key": LONG[-1008:]}),
    "empty": Case("empty_object", {"size_bytes": 0}),
    "empty, transcribed before": Case("empty_object", {"size_bytes": 0, "sidecar_etag": "s1", "etag": "e0"}, DONE),
    "still empty": Case("fault_reported", {"size_bytes": 0}, FAILED | {"reason": "empty_object", "size_bytes": 0}),
    "too large": Case("too_large", {"size_bytes": 6_000_000_000}),
    "still too large": Case(
        "fault_reported", {"size_bytes": 6 * 10**9}, FAILED | {"reason": "too_large", "size_bytes": 6 * 10**9}
    ),
    "too large no more": Case("failed_with_other_recipe", {}, FAILED | {"reason": "too_large", "recipe": None}),
    "a stranger's sidecar": Case("foreign_sidecar", {"sidecar_etag": "s1"}),
    "sidecar edited": Case("foreign_sidecar", {"sidecar_etag": "s2"}, DONE),
    "sidecar edited and reported by a worker": Case(
        "fault_reported", {"sidecar_etag": "s2"}, FAILED | {"reason": "foreign_sidecar"}
    ),
    "sidecar edited and reported": Case(
        "fault_reported", {"sidecar_etag": "s2"}, FAILED | {"reason": "foreign_sidecar", "sidecar_etag": "s2"}
    ),
    "edited sidecar moved away": Case(
        "failed_with_other_recipe",
        {},
        FAILED | {"reason": "foreign_sidecar", "sidecar_etag": "s2", "recipe": None},
    ),
    "edited sidecar put back": Case(
        "current", {"sidecar_etag": "s1"}, FAILED | {"reason": "foreign_sidecar", "sidecar_etag": "s2"}, stamp()
    ),
    "current": Case("current", {"sidecar_etag": "s1"}, DONE),
    "current, unknown to the manifest": Case("current", {"sidecar_etag": "s1"}, None, stamp()),
    "sidecar written again by us": Case("current", {"sidecar_etag": "s2"}, DONE, stamp()),
    "current, though a later request has failed": Case("current", {"sidecar_etag": "s1"}, FAILED, stamp()),
    "done a moment ago": Case("done_by_this_run", {"sidecar_etag": "s1"}, DONE | {"run_id": "run1"}),
    "done a moment ago, its row lost": Case("done_by_this_run", {"sidecar_etag": "s1"}, None, stamp(run_id="run1")),
    "another model": Case("recipe_changed", {"sidecar_etag": "s1"}, DONE | {"recipe": OTHER.hash}),
    "another model, unknown": Case("recipe_changed", {"sidecar_etag": "s1"}, None, stamp(recipe=OTHER)),
    "audio changed": Case("changed", OLD, DONE, stamp()),
    "audio changed, of the same size and time": Case("changed", {"etag": "e2"}, FAILED),
    "audio changed in size alone": Case("changed", {"size_bytes": 7, "sidecar_etag": "s1"}, DONE, stamp()),
    "audio changed, unknown to the manifest": Case("changed", OLD, None, stamp()),
    "another version id": Case(
        "changed", {"version_id": "v2", "sidecar_etag": "s1"}, DONE | {"version_id": "v1"}, stamp()
    ),
    "a version id that only the row has": Case("current", {"sidecar_etag": "s1"}, DONE | {"version_id": "v1"}),
    "a version id that only the listing has": Case("current", {"version_id": "v2", "sidecar_etag": "s1"}, DONE),
    "an older sidecar brought back": Case(
        "changed", {"etag": "e2", "sidecar_etag": "s0"}, DONE | {"etag": "e2"}, stamp()
    ),
    "sidecar gone": Case("sidecar_missing", {}, DONE),
    "sidecar gone, of another model": Case("sidecar_missing", {}, DONE | {"recipe": OTHER.hash}),
    "failed": Case("failed_before", {}, FAILED),
    "failed with another model": Case("failed_with_other_recipe", {}, FAILED | {"recipe": OTHER.hash}),
    "failed in passing": Case("failed_in_passing", {}, FAILED | {"permanent": False}),
    "replaced while it was transcribed": Case("stale", {}, FAILED | {"permanent": False, "reason": "stale"}),
    "its paid result has expired": Case("result_expired", {}, FAILED | {"reason": "result_expired"}),
    "that of another model has": Case(
        "failed_with_other_recipe", {}, FAILED | {"reason": "result_expired", "recipe": OTHER.hash}
    ),
    "uncertain": Case("uncertain", {}, {"state": State.UNCERTAIN}),
    "planned and not done": Case("pending", {}, {"state": State.PENDING, "reason": "planned"}),
    "beyond an earlier limit": Case("pending", {}, {"state": State.PENDING, "reason": "over_limit"}),
    "left out under a ceiling": Case("left_under_ceiling", {}, {"state": State.PENDING, "reason": "duration_unknown"}),
    "replaced, and failed since": Case("failed_before", OLD, FAILED | {"etag": "e2"}, stamp()),
    "replaced, and failed in passing since": Case(
        "failed_in_passing", OLD, FAILED | {"etag": "e2", "permanent": False}, stamp()
    ),
    "replaced, and uncertain since": Case("uncertain", OLD, {"state": State.UNCERTAIN, "etag": "e2"}, stamp()),
    "replaced, and its paid result has expired": Case(
        "result_expired", OLD, FAILED | {"etag": "e2", "reason": "result_expired"}, stamp()
    ),
    "replaced again, after it had failed": Case("changed", OLD, FAILED | {"etag": "e0"}, stamp()),
    "gone": Case("gone", None, DONE),
}


def test_every_cell_of_the_table_is_what_was_written_down():
    decides = {(standing.value, mode): verdict for mode in Mode for standing, verdict in COLUMNS[mode].items()}

    assert {cell: reason.value if reason else "job" for cell, reason in decides.items()} == EXPECTED


def test_every_standing_has_an_example():
    assert {case.standing for case in CASES.values()} == {standing.value for standing in Standing}


def decision_on(case, mode):
    """The one decision, and the looks that it took."""
    items = [builders.found(**case.seen)] if case.seen is not None else []
    key = items[0].key if items else "show/ep1.mp3"
    rows = [builders.row(**{"key": key} | case.row)] if case.row else []
    (decision,), heads = decide(items, rows, mode=mode, looked=case.looked)
    return decision, heads


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_example_is_decided_as_the_table_says(case, mode):
    decision, _ = decision_on(case, mode)

    assert verdict(decision) == EXPECTED[case.standing, mode]
    if isinstance(decision, Job):
        assert (decision.planned_as, decision.is_forced) == (case.standing, mode is Mode.FORCE)


NEEDS_LOOK = {
    "left out before, and transcribed before that",
    "a stranger's sidecar",
    "sidecar edited",
    "sidecar edited and reported by a worker",
    "edited sidecar put back",
    "current, unknown to the manifest",
    "sidecar written again by us",
    "current, though a later request has failed",
    "done a moment ago, its row lost",
    "another model, unknown",
    "audio changed, unknown to the manifest",
    "an older sidecar brought back",
    "replaced, and failed since",
    "replaced, and failed in passing since",
    "replaced, and uncertain since",
    "replaced, and its paid result has expired",
    "replaced again, after it had failed",
}


@pytest.mark.parametrize("name", CASES)
def test_only_a_sidecar_that_the_manifest_does_not_know_is_looked_at(name):
    _, heads = decision_on(CASES[name], Mode.INCREMENTAL)

    assert len(heads) == (name in NEEDS_LOOK)


# A stamp tells the ETag alone: less than the row that retry-failed has replaced.
SAME_ETAG = {"audio changed in size alone", "another version id"}
STAY = [
    pytest.param(case, mode, id=f"{name}, {mode}")
    for name, case in CASES.items()
    for mode in (Mode.INCREMENTAL, Mode.RETRY_FAILED, Mode.UPGRADE)
    if EXPECTED[case.standing, mode] not in {"job", "gone"} and name not in SAME_ETAG
]


@pytest.mark.parametrize(("case", "mode"), STAY)
def test_the_row_of_a_skip_leads_to_a_skip_that_changes_nothing(case, mode):
    """The same night once more; and what was looked at is not looked at again, if it tells of this version."""
    first, _ = decision_on(case, mode)
    row = first.row if isinstance(first.row, ManifestRow) else first.row.row()

    (second,), heads = decide([builders.found(**case.seen)], [row], mode=mode, looked=case.looked)

    assert second.row.line == row.model_dump_json().encode()
    if case.looked is None or case.looked.object_etag == case.seen.get("etag", "e1"):
        assert heads == []
