"""An OpenTelemetry collector for tests: takes OTLP over HTTP on a loopback port and keeps every span that comes."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """A span as it came."""

    name: str
    service: str
    trace: str
    span: str
    parent: str
    links: list[str]
    """The traces that it names."""
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    failed: str | None
    """What its status says when it failed."""
    begun_ns: int
    ended_ns: int


class Collector:
    """Serves while its context lasts. `received` holds the bodies as they came, unzipped."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def spans(self, name: str | None = None) -> list[Seen]:
        """What has come so far, or the spans of one name."""
        seen = [span for body in list(self.received) for span in _spans_of(body)]
        return [span for span in seen if name in {None, span.name}]


def _handler_for(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.received.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_) -> None:
            """Silent: what came is in `received`."""

    return Handler


def _spans_of(body: bytes) -> list[Seen]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Seen(
            name=span.name,
            service=_plain(of.resource.attributes)["service.name"],
            trace=span.trace_id.hex(),
            span=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            links=[link.trace_id.hex() for link in span.links],
            attributes=_plain(span.attributes),
            events=[(event.name, _plain(event.attributes)) for event in span.events],
            failed=span.status.message if span.status.code == span.status.STATUS_CODE_ERROR else None,
            begun_ns=span.start_time_unix_nano,
            ended_ns=span.end_time_unix_nano,
        )
        for of in request.resource_spans
        for scope in of.scope_spans
        for span in scope.spans
    ]


def _plain(attributes: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}
