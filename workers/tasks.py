"""The one task: performs the protocol for a job and says in Celery's words how it ended. No rules of its own."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import Reject

from pipeline import logs
from pipeline.cancellation import Cancelled
from pipeline.models import Job, ManifestRow, State
from pipeline.queue.celery import TASK_NAME
from pipeline.transcribe import Dropped, Later, NotOurs, perform, work
from workers.app import app
from workers.lifecycle import this_worker


class EpisodeFailedError(Exception):
    """Shows a failed episode as failed in Flower, with its reason. The row has been handed in already."""


class EpisodePutOffError(Exception):
    """Shows a retry as a retry in Flower, with its reason."""


@app.task(name=TASK_NAME, bind=True, max_retries=None, throws=(EpisodeFailedError,))
def transcribe_episode(self: Task, payload: dict[str, Any]) -> str:
    """Works on one job. Returns a line for Flower; raises what Celery understands."""
    job = Job.model_validate(payload)
    worker = this_worker()
    worker.started()
    tools = worker.parts.tools
    with logs.bound_to(job, worker.name):
        try:
            outcome = perform(work(job, tools.rules, deferrals=self.request.retries), job, tools)
        except Cancelled:
            logs.get_logger().info("job_handed_over")
            raise Reject(requeue=True) from None
        finally:
            logs.forget_request()
    match outcome:
        case Later():
            raise self.retry(
                countdown=outcome.delay_s,
                exc=EpisodePutOffError(f"{outcome.failure.reason}: {outcome.failure.message}"),
                # Celery makes the message anew, and would put the whole job where a person reads s3://bucket/key.
                argsrepr=self.request.argsrepr,
                kwargsrepr=self.request.kwargsrepr,
            )
        case Dropped(why):
            raise Reject(why, requeue=False)
        case NotOurs(why):
            return why
        case _:
            return _line(outcome.row)


def _line(row: ManifestRow) -> str:
    if row.state is not State.DONE:
        raise EpisodeFailedError(f"{row.state}, {row.reason}: {row.message}")
    return f"{row.words} words of {row.duration_s or 0:.0f} s audio, request {row.request_id}"
