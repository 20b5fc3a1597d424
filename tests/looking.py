"""Looks at one object as `nightscribe explain` does, over memory implementations."""

from __future__ import annotations

from typing import Any

import builders
from stages import House

from pipeline import manifest
from pipeline.cli.live import Glance
from pipeline.cli.lookup import Lookup, Question
from pipeline.errors import AudioRejectedError
from pipeline.explain import Findings
from pipeline.limits.memory import MemoryPermits
from pipeline.limits.memory_budget import MemoryBudget
from pipeline.manifest import Draft, Newest, RunFacts
from pipeline.models import Manifest, ManifestRow, Place, RecipeStamp
from pipeline.runs.memory import MemoryRuns, MemoryState
from pipeline.runs.memory_leases import MemoryLeases
from pipeline.speech.memory import Script
from pipeline.storage.memory import MemoryStorage
from pipeline.wiring.live import LiveParts

ARCHIVE = Place(bucket=builders.BUCKET)


def live_parts(state: MemoryState | None = None, **parts: Any) -> LiveParts:
    """The live state of a house, or an empty one."""
    state = state or MemoryState()
    fields: dict[str, Any] = {
        "runs": MemoryRuns(state, dispatcher_lease_s=15.0, worker_lease_s=30.0),
        "leases": MemoryLeases(state, owner="", lease_s=30.0),
        "permits": MemoryPermits(limit=4, lease_s=30.0, recover_s=10.0),
        "budget": MemoryBudget(),
        "close": lambda: None,
    }
    return LiveParts(**fields | parts)


def look(
    storage: MemoryStorage,
    key: str = "show/ep1.mp3",
    *,
    live: LiveParts | None = None,
    archive: Place | None = None,
    now: Any = builders.NOW,
    **variables: str,
) -> Findings:
    """What is found out about an object; its recipe in force is the builders' own."""
    recording = Place(bucket=builders.BUCKET, prefix=key)
    question = Question(recording, builders.OUTPUT, archive, builders.recipe().hash)
    glance = Glance(lambda: live or live_parts(), recording)
    return Lookup(storage, builders.settings(**variables), question, glance, now).findings()


def write_manifest(
    storage: MemoryStorage, *rows: ManifestRow, archive: Place = ARCHIVE, run_id: str = "run1", **changes: Any
) -> Manifest:
    """Finishes a run over these rows."""
    facts = RunFacts(run_id, archive, builders.OUTPUT, RecipeStamp.of(builders.recipe()), builders.NOW)
    options: dict[str, Any] = {"now": builders.NOW, "part_rows": 100}
    with Draft() as draft:
        for row in rows:
            draft.put(row)
        return manifest.finish(storage, draft, facts, Newest(), **options | changes)


def look_at(house: House, **options: Any) -> Findings:
    """What is found out about the episode of a house."""
    live = live_parts(house.state, budget=house.budget)
    return look(house.storage, **{"live": live, "now": house.now} | options)


def settle(house: House, outcome: Any) -> None:
    """Writes the row of a job into a manifest, and forgets its run."""
    house.state.jobs.clear()
    house.state.open_runs.clear()
    write_manifest(house.storage, outcome.row)


def fail_with_another_recipe(house: House) -> None:
    """Leaves a job of the same audio that fal has failed; its row is in the manifest."""
    job = house.job
    house.job = builders.job(job.object, builders.recipe("fal-ai/wizper"))
    house.script(Script(fetch=AudioRejectedError("fal hears nothing.")), Script(answer=builders.answer()))
    settle(house, house.work())
    house.job = job
