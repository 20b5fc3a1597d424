"""Structured logs: constant event names, values in keywords, run, job, key and request bound per task.

Every value passes `redact` before it is rendered (I9). Events are past facts in snake_case.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog

from pipeline.models import Job
from pipeline.printable import printable
from pipeline.redaction import redact, redact_json
from pipeline.settings import LogSettings

# These libraries log URLs or headers at INFO or DEBUG; what they have to say at WARNING is of interest.
_CHATTY = ("httpx", "httpcore", "botocore", "boto3", "urllib3", "kombu", "amqp", "redis", "s3transfer", "asyncio")


def configure(settings: LogSettings) -> None:
    """Sends structlog and the standard library's logging to standard error in one format. Idempotent."""
    as_text = settings.format == "text" or (settings.format == "auto" and sys.stderr.isatty())
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if as_text
        else structlog.processors.JSONRenderer()
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
        *([_escape_event] if as_text else []),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(settings.level)))


def get_logger() -> Any:
    """The logger of all modules."""
    return structlog.get_logger("nightscribe")


@contextmanager
def bound_to(job: Job, worker: str) -> Iterator[None]:
    """Binds run, job and key to every event of this thread for the length of a task."""
    with structlog.contextvars.bound_contextvars(
        run_id=job.run_id, job_id=job.job_id, bucket=job.object.bucket, key=job.object.key, worker=worker
    ):
        yield


def bind_request(request_id: str) -> None:
    """Adds fal's request id to the events that follow in this task."""
    structlog.contextvars.bind_contextvars(request_id=request_id)


def forget_request() -> None:
    """Ends what `bind_request` began."""
    structlog.contextvars.unbind_contextvars("request_id")


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = redact(value)
        elif isinstance(value, list | dict):
            event[name] = redact_json(value)
    return event


def _escape_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """JSON escapes by itself; on a terminal a key could move the cursor. Tracebacks and foreign messages have lines."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = printable(value, keep="\n\t" if name in {"event", "exception"} else "")
    return event
