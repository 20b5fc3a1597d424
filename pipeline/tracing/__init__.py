"""Traces of runs and jobs, for whoever has an OpenTelemetry collector (docs/tracing.md). Off, each call costs a look.

    run ── enqueue (a batch of jobs)               a trace per run
     ⋮ link
    plan ── job ── take permit, post, wait, ...    a trace per job, from the plan to the sidecar: its message carries it

On when OpenTelemetry's own variables name where traces go. Nothing here disturbs a run: what cannot be used is said
once in the log, and a collector that is away loses its spans.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib import import_module

from pipeline.models import Job
from pipeline.tracing.base import Span, Traces, Value

FLUSH_WITHIN_S = 2.0  # a command or a worker that ends waits so long for the collector and no longer
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_INNER_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")

_state: dict[str, Traces] = {}


class _Nothing(Span):
    """What is told to a span while tracing is off."""

    def tell(self, **_attributes: Value) -> None:
        """See `Span.tell`."""

    def fail(self, kind: str, reason: str, message: str) -> None:
        """See `Span.fail`."""


_OFF: AbstractContextManager[Span] = nullcontext(_Nothing())


def begin(environment: Mapping[str, str], service: str) -> None:
    """Turns tracing on in this process if the environment asks for it. Idempotent; raises nothing."""
    if "traces" in _state or not is_asked_for(environment):
        return
    exporter = environment.get("OTEL_TRACES_EXPORTER") or "otlp"
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _PROTOCOL)
    if exporter not in {"otlp", "console"} or protocol != _PROTOCOL:
        _warn(
            f"No traces: {exporter} over {protocol} is asked for, and they go as otlp over {_PROTOCOL}, or to console."
        )
        return
    try:
        _state["traces"] = import_module("pipeline.tracing.otel").OtelTraces(service, exporter)
    except ImportError as error:
        _warn(f"No traces: OpenTelemetry is not installed ({error.name}). Run pip install 'nightscribe[otel]'.")
    except Exception as error:  # noqa: BLE001  whatever its variables hold is no reason to transcribe nothing
        _warn(f"No traces: OpenTelemetry does not start ({type(error).__name__}). Look at the OTEL_ variables.")


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's variables name a place for traces."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "")
    if exporter == "none" or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return bool(exporter) or any(environment.get(name) for name in _ENDPOINTS)


def flush(within_s: float = FLUSH_WITHIN_S) -> None:
    """Sends what is held back, for so long at most; raises nothing."""
    if traces := _state.get("traces"):
        traces.flush(within_s)


def run(run_id: str, **attributes: Value) -> AbstractContextManager[Span]:
    """The span of a run, for as long as this process dispatches it; what it sends meanwhile belongs to it."""
    traces = _state.get("traces")
    return traces.run(run_id, {"run_id": run_id, **attributes}) if traces else _OFF


def batch(jobs: Sequence[Job]) -> AbstractContextManager[Span]:
    """The span of sending these jobs."""
    traces = _state.get("traces")
    return traces.batch(jobs[0].run_id, {"jobs": len(jobs)}) if traces and jobs else _OFF


def carried(job: Job) -> dict[str, str] | None:
    """Begins the trace of a job that is sent now; the headers for its message, None while tracing is off."""
    traces = _state.get("traces")
    return traces.planned(job, _facts(job)) if traces else None


def job(job: Job, message: Mapping[str, str] | None, **attributes: Value) -> AbstractContextManager[Span]:
    """The span of one delivery of a job to a worker, in the trace that the headers of its message carry."""
    traces = _state.get("traces")
    return traces.job(job, message or {}, {**_facts(job), **attributes}) if traces else _OFF


def act(what: object) -> AbstractContextManager[Span]:
    """The span of an act of the protocol, named by its class: `TakePermit` is "take permit"."""
    traces = _state.get("traces")
    if traces is None:
        return _OFF
    request = getattr(what, "request", None)
    return traces.act(_words(type(what).__name__), {"request_id": getattr(request, "request_id", None)})


def event(name: str, **attributes: Value) -> None:
    """A moment within the span of this thread, or of the coroutine that it waits for."""
    if traces := _state.get("traces"):
        traces.event(name, attributes)


def _facts(job: Job) -> dict[str, Value]:
    return {
        "bucket": job.object.bucket,
        "key": job.object.key,
        "job_id": job.job_id,
        "run_id": job.run_id,
        "endpoint": job.recipe.endpoint_id,
    }


@cache
def _words(name: str) -> str:
    return _INNER_CAPITAL.sub(" ", name).lower()


def _warn(message: str) -> None:
    logging.getLogger("nightscribe.tracing").warning(message)
