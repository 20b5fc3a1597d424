"""When traces are on, and that no secret gets past their last line of defence."""

from __future__ import annotations

import logging
import subprocess
import sys

import builders
import pytest
from canaries import SIGNED
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, StatusCode

from pipeline import tracing
from pipeline.tracing.otel import trace_id_of
from pipeline.tracing.scrubbing import ScrubbingExporter

_FAL_KEY = "0a1b2c3d-0000-4000-8000-00000000cafe:0123456789abcdef0123456789abcdef"
_HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.fixture
def state(monkeypatch):
    """The tracing of this process, off before and after."""
    made = {}
    monkeypatch.setattr(tracing, "_state", made)
    return made


@pytest.mark.parametrize("secret", [SIGNED, _FAL_KEY, "redis://user:canary-password@host:6379/0"])
def test_no_secret_gets_past_the_exporter_wherever_it_was_put(secret):
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ScrubbingExporter(kept)))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("another") as other:
        pass

    with tracer.start_as_current_span(f"to {secret}", links=[Link(other.get_span_context(), {"l": secret})]) as span:
        span.set_attributes({"a": f"see {secret}", f"n {secret}": 1, "list": [secret, "b"], "number": 3})
        span.add_event(f"sent {secret}", {"url": secret})
        span.record_exception(ValueError(secret))
        span.set_status(StatusCode.ERROR, f"failed with {secret}")
    span = kept.get_finished_spans()[-1]

    hidden = secret.rpartition("=")[2] if "=" in secret else secret.rpartition(":")[2].partition("@")[0]
    if "canary-password" in secret:
        hidden = "canary-password"
    assert len(hidden) > 10
    assert hidden not in span.to_json()
    assert span.to_json().count("REDACTED") >= 8
    assert span.attributes["number"] == 3
    assert span.links[0].context == other.get_span_context()


def test_half_a_surrogate_pair_does_not_cost_a_whole_batch():
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ScrubbingExporter(kept)))

    with provider.get_tracer("test").start_as_current_span("a\ud83d"):
        pass

    assert kept.get_finished_spans()[0].name == "a?"


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ({}, False),
        (_HERE, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        (_HERE | {"OTEL_TRACES_EXPORTER": "none"}, False),
        (_HERE | {"OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, False),
    ],
)
def test_opentelemetrys_own_variables_turn_it_on(environment, asked):
    assert tracing.is_asked_for(environment) is asked


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "otlp over grpc is asked for"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "zipkin over http/protobuf is asked for"),
    ],
)
def test_what_cannot_be_done_is_said_and_stops_nothing(state, caplog, more, said):
    with caplog.at_level(logging.WARNING):
        tracing.begin(_HERE | more, "test")

    assert said in caplog.text
    assert state == {}


def test_without_the_packages_it_says_how_to_get_them(state, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "pipeline.tracing.otel", raising=False)

    with caplog.at_level(logging.WARNING):
        tracing.begin(_HERE, "test")

    assert "pip install 'nightscribe[otel]'" in caplog.text
    assert state == {}


def test_off_it_imports_nothing_and_does_nothing():
    code = (
        "import os, sys, pipeline.cli.backfill, pipeline.transcribe; from pipeline import tracing\n"
        "tracing.begin({}, 'x')\n"
        "with tracing.act(object()) as span: span.tell(a=1); tracing.event('b')\n"
        "tracing.flush()\n"
        "sys.exit(any(name.startswith(('pipeline.tracing.otel', 'opentelemetry.exporter')) for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_trace_of_a_job_is_the_same_for_whoever_sends_it_and_another_in_another_run():
    job = builders.job()

    assert trace_id_of(job) == trace_id_of(job.model_copy())
    assert trace_id_of(job) != trace_id_of(job.model_copy(update={"run_id": "another"}))
    assert 0 < trace_id_of(job) < 2**128
