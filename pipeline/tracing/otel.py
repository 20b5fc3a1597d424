"""Traces over OpenTelemetry's SDK, which reads sampler, endpoint, headers and batches from its own variables."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pipeline import __version__
from pipeline.cancellation import Cancelled
from pipeline.errors import NightscribeError
from pipeline.models import Job
from pipeline.tracing.base import Attributes, Span, Traces, Value
from pipeline.tracing.scrubbing import ScrubbingExporter

_PREFIX = "nightscribe."
_NOTHING = context.Context()
_wanted: ContextVar[int | None] = ContextVar("trace_id", default=None)


class _Ids(RandomIdGenerator):
    """Random, but for the trace of a job: whoever sends it, and however often, says the same one."""

    def generate_trace_id(self) -> int:
        return _wanted.get() or super().generate_trace_id()


class _OtelSpan(Span):
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def tell(self, **attributes: Value) -> None:
        """See `Span.tell`."""
        self._span.set_attributes(_named(attributes))

    def fail(self, kind: str, reason: str, message: str) -> None:
        """See `Span.fail`."""
        self._span.set_attribute("error.type", kind)
        self.tell(reason=reason)
        self._span.set_status(trace.StatusCode.ERROR, message)


class OtelTraces(Traces):
    """One provider per process, made after every fork. `exporter` is otlp or console."""

    def __init__(self, service: str, exporter: str) -> None:
        inner = ConsoleSpanExporter() if exporter == "console" else OTLPSpanExporter()
        # At the end of the process it would wait for its collector as long as it likes; `flush` is bounded.
        self._provider = TracerProvider(resource=_resource(service), id_generator=_Ids(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(ScrubbingExporter(inner)))
        self._tracer = self._provider.get_tracer("nightscribe", __version__)
        self._carrier = TraceContextTextMapPropagator()
        self._runs: dict[str, trace.Span] = {}
        # A collector that is away is told of by every batch; the last sentence is enough.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)

    @contextmanager
    def run(self, run_id: str, attributes: Attributes) -> Iterator[Span]:
        """See `Traces.run`. Not made current: a run is a generator, whose thread does other things in between."""
        span = self._tracer.start_span("run", _NOTHING, attributes=_named(attributes))
        self._runs[run_id] = span
        try:
            with _judged(span) as told:
                yield told
        finally:
            del self._runs[run_id]
            span.end()

    @contextmanager
    def batch(self, run_id: str, attributes: Attributes) -> Iterator[Span]:
        """See `Traces.batch`."""
        run = self._runs.get(run_id)
        parent = trace.set_span_in_context(run, _NOTHING) if run else _NOTHING
        with self._current("enqueue", parent, attributes, trace.SpanKind.PRODUCER) as span:
            yield span

    def planned(self, job: Job, attributes: Attributes) -> dict[str, str]:
        """See `Traces.planned`."""
        run = self._runs.get(job.run_id)
        begun = job.planned_at if run else None  # who only sends it again has not planned it
        span = self._root(
            job,
            "plan" if run else "send again",
            attributes,
            trace.SpanKind.PRODUCER,
            links=[trace.Link(run.get_span_context())] if run else [],
            start_time=_ns(min(begun, datetime.now(UTC))) if begun else None,
        )
        span.end()
        headers: dict[str, str] = {}
        self._carrier.inject(headers, trace.set_span_in_context(span, _NOTHING))
        return headers

    @contextmanager
    def job(self, job: Job, message: Mapping[str, str], attributes: Attributes) -> Iterator[Span]:
        """See `Traces.job`. A message of a sender without tracing begins the trace here."""
        parent = self._carrier.extract(message, _NOTHING)
        if trace.get_current_span(parent).get_span_context().is_valid:
            with self._current("job", parent, attributes, trace.SpanKind.CONSUMER) as span:
                yield span
            return
        root = self._root(job, "job", attributes, trace.SpanKind.CONSUMER)
        with self._during(root) as span:
            yield span

    @contextmanager
    def act(self, name: str, attributes: Attributes) -> Iterator[Span]:
        """See `Traces.act`."""
        with self._current(name, context.get_current(), attributes, trace.SpanKind.INTERNAL) as span:
            yield span

    def event(self, name: str, attributes: Attributes) -> None:
        """See `Traces.event`."""
        trace.get_current_span().add_event(name, _named(attributes))

    def flush(self, within_s: float) -> None:
        """See `Traces.flush`. In a thread of its own: the SDK does not heed a time limit while it sends."""
        flusher = threading.Thread(target=self._flush, name="trace-flush", daemon=True)
        flusher.start()
        flusher.join(within_s)

    def _flush(self) -> None:
        with suppress(Exception):  # the traces are lost, and nothing else
            self._provider.force_flush()

    def _root(self, job: Job, name: str, attributes: Attributes, kind: trace.SpanKind, **more: object) -> trace.Span:
        token = _wanted.set(trace_id_of(job))
        try:
            return self._tracer.start_span(name, _NOTHING, kind, _named(attributes), **more)  # type: ignore[arg-type]
        finally:
            _wanted.reset(token)

    @contextmanager
    def _current(
        self, name: str, parent: context.Context, attributes: Attributes, kind: trace.SpanKind
    ) -> Iterator[Span]:
        with self._during(self._tracer.start_span(name, parent, kind, _named(attributes))) as span:
            yield span

    @contextmanager
    def _during(self, span: trace.Span) -> Iterator[Span]:
        with (
            trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False),
            _judged(span) as told,
        ):
            yield told


def trace_id_of(job: Job) -> int:
    """The trace of a job in a run: the same for everybody who sends it, and as good as drawn by lot."""
    return int.from_bytes(hashlib.sha256(f"{job.run_id}/{job.job_id}".encode()).digest()[:16], "big")


@contextmanager
def _judged(span: trace.Span) -> Iterator[Span]:
    """Marks the span by what leaves the block. No traceback goes into it: that is in the log."""
    told = _OtelSpan(span)
    try:
        yield told
    except (Cancelled, GeneratorExit):
        told.tell(interrupted=True)
        raise
    except NightscribeError as error:
        told.fail(type(error).__name__, error.reason, error.message)
        raise
    except BaseException as error:
        told.fail(type(error).__name__, "internal_error", "")  # the text of a foreign exception may hold anything
        raise


def _resource(service: str) -> Resource:
    """What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, and the name given here where they name no service."""
    told = Resource.create()
    is_named = not str(told.attributes.get("service.name", "unknown_service")).startswith("unknown_service")
    ours = {"service.version": __version__} | ({} if is_named else {"service.name": service})
    return told.merge(Resource(ours))


def _named(attributes: Attributes) -> dict[str, str | int | float | bool]:
    return {_PREFIX + name: value for name, value in attributes.items() if value is not None}


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1e9)
