"""A real run's traces, as a real collector gets them over OTLP: one connected trace per job, and no secret in any."""

from __future__ import annotations

import json
import socket

import pytest
from archives import PATIENCE_S, end, eventually
from canaries import SIGNED, Canaries
from collector import Collector

from emulator.stack.ports import free_ports

pytestmark = [pytest.mark.e2e]
_PATH_OF_A_JOB = ["plan", "job", "take lease", "probe", "take permit", "sign", "write intent", "post", "wait", "fetch"]


@pytest.fixture
def collector(archive):
    with Collector() as made:
        archive.environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": made.url,
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "NIGHTSCRIBE_RETRY_BASE_S": "0.1",
        }
        yield made


def test_each_job_is_one_connected_trace_from_the_plan_to_the_sidecar(archive, collector):
    episodes = archive.put_episodes(6)
    again = episodes[0]
    archive.fault({"on": "process", "key": again, "times": 1, "do": {"fail": {"detail": "worker lost"}}})
    archive.environment["NIGHTSCRIBE_LIMITS_LEASE_S"] = "60"  # with a short one a busy machine sends a job twice
    archive.start_worker("one", slots=3)

    outcome = archive.run("backfill", archive.uri)
    end(archive.processes[-1])

    assert outcome.returncode == 0, outcome.stderr
    (run,) = collector.spans("run")
    assert run.attributes["nightscribe.archive"] == archive.uri
    assert sum(span.attributes["nightscribe.jobs"] for span in collector.spans("enqueue")) == 6
    assert {span.trace for span in collector.spans("enqueue")} == {run.trace}
    plans = {span.attributes["nightscribe.key"]: span for span in collector.spans("plan")}
    assert set(plans) == set(episodes)
    for key, plan in plans.items():
        trace = [span for span in collector.spans() if span.trace == plan.trace]
        assert plan.links == [run.trace]
        _assert_connected(trace, plan)
        names = [span.name for span in sorted(trace, key=lambda span: span.begun_ns)]
        assert [name for name in _PATH_OF_A_JOB if name not in names] == []
        jobs = [span for span in trace if span.name == "job"]
        assert len(jobs) == (2 if key == again else 1)  # a retry is another delivery in the same trace
        last = max(jobs, key=lambda span: span.begun_ns)
        assert {span.attributes["nightscribe.bucket"] for span in jobs} == {archive.bucket}
        assert last.attributes["nightscribe.state"] == "done"
        assert last.attributes["nightscribe.attempts"] == len(jobs)
        assert last.attributes["nightscribe.request_id"] == archive.sidecar(key)["request"]["request_id"]
        (written,) = [span for span in trace if span.name == "write sidecar"]
        assert last.begun_ns <= written.begun_ns <= written.ended_ns <= last.ended_ns
        posts = [event for span in trace if span.name == "post" for event in span.events]
        assert {(name, facts["nightscribe.method"]) for name, facts in posts} == {("fal_answered", "POST")}
    (first,) = [s for s in collector.spans("job") if s.attributes["nightscribe.outcome"] == "later"]
    assert first.attributes["nightscribe.key"] == again


def test_a_job_that_is_handed_over_and_found_again_stays_in_its_trace(archive, collector):
    archive.put_episodes(1)
    archive.fault({"on": "process", "do": {"delay_s": 3.0}})
    first = archive.start_worker("first", slots=1)
    command = archive.start("backfill", archive.uri)
    eventually(lambda: any(intent["request"] for intent in archive.intents()), "fal has accepted it")
    end(first)
    second = archive.start_worker("second", slots=1)

    assert command.wait(PATIENCE_S) == 0, archive.log("command.log")
    end(second)

    (plan,) = collector.spans("plan")
    jobs = sorted(collector.spans("job"), key=lambda span: span.begun_ns)
    assert {span.trace for span in jobs} == {plan.trace}
    assert jobs[0].attributes["nightscribe.interrupted"] is True
    assert jobs[-1].attributes["nightscribe.state"] == "done"
    assert len({span.attributes["nightscribe.worker"] for span in jobs}) == 2
    assert "job_resumed" in [name for name, _ in jobs[-1].events]


def test_no_secret_is_in_any_trace_of_a_run_with_faults_that_echo_them(guarded, collector):
    archive, canaries = guarded, Canaries(guarded)
    keys = archive.put_episodes(5)
    key = canaries.secrets["the fal key"]
    echo = f"Authorization: Key {key} for {SIGNED}"
    refused = [{"type": "audio_duration_too_long", "msg": echo, "loc": ["body", SIGNED], "input": SIGNED}]
    archive.fault(
        {"on": "download", "key": keys[0], "do": "drop"},
        {"on": "process", "key": keys[1], "do": {"fail": {"status": 422, "detail": refused}}},
        {"on": "status", "key": keys[2], "times": 2, "do": {"status": 502, "body": f"<html>{echo}</html>"}},
        {"on": "result", "key": keys[3], "times": 2, "do": {"status": 500, "body": echo}},
    )
    archive.start_worker("one", slots=5)

    outcome = archive.run("backfill", archive.uri)
    end(archive.processes[-1])

    assert outcome.returncode == 1, outcome.stderr
    # A job that is sent twice, on a busy machine, is planned into the same trace again.
    assert len({span.trace for span in collector.spans("plan")}) == 5
    failed = [span.failed for span in collector.spans("job") if span.failed]
    assert any("REDACTED" in message or "audio_duration_too_long" in message for message in failed), failed
    assert canaries.leaks({f"batch {number}": body for number, body in enumerate(collector.received)}) == []


@pytest.mark.parametrize("is_silent", [False, True], ids=["away", "silent"])
def test_a_collector_that_is_away_or_silent_disturbs_nothing(archive, is_silent):
    with socket.create_server(("127.0.0.1", 0)) as server:  # it takes connections, and nobody ever answers
        port = server.getsockname()[1] if is_silent else free_ports(1)[0]
        archive.put_episodes(2)
        here = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}
        worker = archive.start_worker("one", slots=2, **here)

        outcome = archive.run("backfill", archive.uri, "--json", **here)

        assert outcome.returncode == 0, outcome.stderr
        assert json.loads(outcome.stdout)["totals"]["by_state"] == {"done": 2}
        assert end(worker) == 0
        assert "Traceback" not in outcome.stderr + archive.log("worker-one.log")


def test_without_the_variables_no_message_carries_anything(archive):
    archive.put_episodes(1)
    archive.start("backfill", archive.uri)

    (message,) = eventually(lambda: archive.redis.lrange(archive.queue, 0, -1), "a message waits")

    assert "traceparent" not in json.loads(message)["headers"]


def _assert_connected(trace, root):
    assert root.parent == ""
    known = {span.span for span in trace}
    assert {span.name for span in trace if span.parent not in known} == {"plan"}
