"""Stage 2: each object found, and what the last manifest knows of it, to a Job or a Skip with a named reason.

    found ─┐
           ├─ merge join by key ─▶ standing (what is seen) ─▶ table, one column per mode ─▶ Job | Skip(reason)
    rows ──┘  and by block, where nothing has changed ───────────────────────────────────▶ Untouched

ETag, size and version id decide; `last_modified` decides nothing. A sidecar that the last manifest does not know costs
one HEAD, many at once; every other decision costs no request (I7).
"""

from pipeline.plan.planning import left_over, plan, planned_again, planned_row
from pipeline.plan.request import LookAtSidecar, Request
from pipeline.plan.seconds import second_job, settled_over
from pipeline.plan.standing import DURATION_UNKNOWN, RESULT_EXPIRED, Standing
from pipeline.plan.table import Mode

__all__ = [
    "DURATION_UNKNOWN",
    "RESULT_EXPIRED",
    "LookAtSidecar",
    "Mode",
    "Request",
    "Standing",
    "left_over",
    "plan",
    "planned_again",
    "planned_row",
    "second_job",
    "settled_over",
]
