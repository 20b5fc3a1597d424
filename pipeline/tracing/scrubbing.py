"""The last line of defence before a trace leaves (I9): every text in it passes `redact`, whoever wrote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, Status

from pipeline.redaction import redact


class ScrubbingExporter(SpanExporter):
    """Passes spans on to another exporter without their secrets. What cannot be scrubbed is not sent."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner = inner

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See `SpanExporter.export`."""
        return self._inner.export([_scrubbed(span) for span in spans])

    def shutdown(self) -> None:
        """See `SpanExporter.shutdown`."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """See `SpanExporter.force_flush`."""
        return self._inner.force_flush(timeout_millis)


def _scrubbed(span: ReadableSpan) -> ReadableSpan:
    description = span.status.description
    return ReadableSpan(
        name=_text(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=_values(span.attributes),
        events=[Event(_text(event.name), _values(event.attributes), event.timestamp) for event in span.events],
        links=[Link(link.context, _values(link.attributes)) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code, description and _text(description)),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _values(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {_text(name): _value(value) for name, value in (attributes or {}).items()}


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    return [_value(item) for item in value] if isinstance(value, Sequence) and not isinstance(value, bytes) else value


def _text(text: str) -> str:
    """Also fit for protobuf, which refuses a whole batch because of one half of a surrogate pair."""
    return redact(text).encode("utf-8", "replace").decode()
