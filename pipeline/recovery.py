"""Finding jobs that nobody works on any more, and sending them again: the act that dispatchers and workers share.

A worker may die with its jobs, and the broker loses a message now and then (docs/celery.md). Whoever is alive does
this from time to time, one process at a time; a job that is sent once too often costs nothing (I1).
"""

from __future__ import annotations

from pipeline.queue.base import JobQueue
from pipeline.runs.base import Runs


def recover(runs: Runs, queue: JobQueue, *, every_s: float) -> dict[str, int]:
    """Sends the stalled jobs of all open runs again; how many, by run id.

    Does nothing when any process did it within the last `every_s`. Raises `ServiceUnavailableError`.
    """
    if not runs.claim_recovery(every_s):
        return {}
    sent: dict[str, int] = {}
    queue_is_empty = queue.depth() == 0
    for run in runs.summaries():
        stalled = runs.stalled(run.run_id, queue_is_empty=queue_is_empty)
        if stalled:
            queue.put(stalled)
            sent[run.run_id] = len(stalled)
    return sent
