"""An episode's task: performs the protocol for a job and says in Celery's words how it ended. No rules of its own."""

from __future__ import annotations

from typing import Any

from celery import Task
from celery.exceptions import Ignore, Reject

from pipeline import logs, tracing
from pipeline.cancellation import Cancelled
from pipeline.models import Job, ManifestRow, State
from pipeline.queue.celery import TASK_NAME, sent_now
from pipeline.tracing.base import Span
from pipeline.transcribe import Dropped, Later, NotOurs, Settled, perform, work
from pipeline.transcribe.protocol import Outcome
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
    deferrals = self.request.retries
    with logs.bound_to(job, worker.name):
        try:
            with tracing.job(job, self.request.headers, worker=worker.name, deferrals=deferrals) as span:
                outcome = perform(work(job, tools.rules, deferrals=deferrals), job, tools)
                _tell(span, outcome)
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
                timestamp=sent_now(),
            )
        case Dropped(why):
            raise Reject(why, requeue=False)
        case NotOurs(why):
            # The row of the one message that does the work stays as it is: a success here would stand over a failure
            # that the first message has ended with, or over work that another worker is still busy with.
            logs.get_logger().info("repeat_ignored", job_id=job.job_id, key=job.object.key, why=why)
            raise Ignore(why)
        case _:
            return _line(outcome.row)


def _tell(span: Span, outcome: Outcome) -> None:
    span.tell(outcome=type(outcome).__name__.lower())
    match outcome:
        case Later(delay_s, failure):
            span.tell(delay_s=delay_s, reason=failure.reason)
        case Dropped(why) | NotOurs(why):
            span.tell(why=why)
        case Settled(row):
            span.tell(state=row.state, request_id=row.request_id, attempts=row.attempts)
            if row.state is not State.DONE:
                span.fail(row.state, row.reason or "", row.message or "")


def _line(row: ManifestRow) -> str:
    if row.state is not State.DONE:
        raise EpisodeFailedError(f"{row.state}, {row.reason}: {row.message}")
    return f"{row.words} words of {row.duration_s or 0:.0f} s audio, request {row.request_id}"
