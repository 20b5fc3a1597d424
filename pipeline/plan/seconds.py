"""Second opinions: what a run does about the transcripts of its own that are suspect, and what becomes of a row. Pure.

    row of this run, suspect ─▶ awaits_second ─▶ second_job (the same object, another recipe) ─▶ its row
        done: it stands for the first recipe         anything else: the first row stays, and says that it was tried

All of it follows from the row, so that a dispatcher that takes a run over asks for exactly what was not asked for yet.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pipeline.models import Job, ManifestRow, RememberedRow, State
from pipeline.plan.planning import planned_again
from pipeline.plan.request import Request

SUSPECT = "suspect"
"""How the plan found the object, in the story of the job."""


def awaits_second(row: ManifestRow, request: Request) -> bool:
    """Whether this is a suspect transcript that the run itself has made as it was asked to, and looked at only once."""
    is_first = row.recipe == request.recipe.hash and row.stands_for is None and row.second_tried is None
    return (
        request.second is not None
        and row.state is State.DONE
        and bool(row.suspect)
        and row.run_id == request.run_id
        and is_first
    )


def second_job(row: RememberedRow, request: Request, now: datetime) -> Job | None:
    """The job of the second opinion on a row; None when it awaits none."""
    if request.second is None or not awaits_second(row.row(), request):
        return None
    job = planned_again(row, replace(request, recipe=request.second), now)
    return job.model_copy(update={"second_of": request.recipe.hash, "planned_as": SUSPECT})


def settled_over(before: RememberedRow | None, row: ManifestRow) -> ManifestRow:
    """What a manifest says of an object once `row` was handed in: a second opinion in vain leaves the first there."""
    if row.stands_for is None or row.state is State.DONE or before is None or before.state is not State.DONE:
        return row
    first = before.row()
    if first.second_tried is not None:
        return first  # told twice
    said = f"A second opinion by {row.endpoint_id} came to nothing ({row.reason}): {row.message}"
    return first.model_copy(update={"second_tried": row.recipe, "message": f"{first.message or ''} {said}".strip()})
