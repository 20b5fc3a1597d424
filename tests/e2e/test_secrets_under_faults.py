"""No secret anywhere (I9) when replies are lost, results expire, sources are replaced, fal refuses, or a store is lax.

fal's request history holds presigned URLs, and whoever refuses may quote what was sent: all of that comes as far as
our processes here, and must come no further. Each test shows that it did come, and that places are not empty.
"""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

import boto3
import history_rows
import pytest
from archives import PATIENCE_S, Archive, end, eventually
from canaries import ENDPOINT_PASSWORD, SIGNED, Canaries, RedisTap, readings_of
from s3_stores import S3Proxy, moto_store
from sinks import command_lines, flower_pages, logs, objects, redis_dump, terminals

from emulator.stack.ports import free_ports

pytestmark = [pytest.mark.e2e]

EACH_S = 2.990938  # one of the small recordings


def test_lost_replies_an_unwilling_history_and_a_ceiling_leave_no_secret_anywhere(guarded):
    archive, canaries = guarded, Canaries(guarded)
    archive.may_fork = False  # `ps` is asked
    echo = echo_of(canaries)
    page = f"<html><body>Bad gateway: {echo}; {json.dumps(parameters())}; {twice_escaped()}</body></html>"
    sources = archive.put_episodes(8)
    lost, refused, slowed, failed = sources[:4]
    unknown = {"status": 422, "error_type": f"{SIGNED} {canaries.secrets['the fal key']}", "detail": echo}
    archive.fault(
        {"on": "submit", "key": lost, "times": 1, "do": "lose_reply"},
        {"on": "submit", "key": refused, "do": {"status": 422, "body": {"detail": [detail_of(echo)]}}},
        {"on": "submit", "key": slowed, "times": 1, "do": {"status": 429, "body": {"detail": echo}}},
        {"on": "process", "key": failed, "do": {"fail": unknown}},
        {"on": "history", "times": 5, "do": {"status": 500, "body": page}},
        {"on": "history", "times": 1, "do": {"status": 429, "body": {"error": {"type": echo, "message": echo}}}},
        {"on": "history", "times": 1, "do": {"status": 200, "body": page}},
    )
    bounded = ["backfill", archive.uri, "--max-audio-hours", f"{4.5 * EACH_S / 3600:.6f}"]

    with RedisTap(archive.redis.connection_pool.connection_kwargs["port"]) as tap:
        flower = archive.start_flower()
        archive.start_worker("json", slots=4)
        archive.start_worker("text", slots=4, NIGHTSCRIBE_LOGS_FORMAT="text")
        first = archive.run(*bounded)
        sinks = {f"at the ceiling, {place}": held for place, held in objects(archive, besides=sources).items()}
        sinks |= {f"at the ceiling, {place}": said for place, said in terminals(archive, [lost]).items()}
        sinks["redis at the ceiling"] = redis_dump(archive)
        sinks["process command lines"] = command_lines(archive)
        second = archive.run("backfill", archive.uri)
        sinks |= flower_pages(flower)
    sinks["everything that Redis was told"] = tap.heard
    for process in archive.processes[1:]:
        end(process)
    sinks |= objects(archive, besides=sources) | logs(archive) | terminals(archive, [lost, refused, failed])
    sinks |= {"bounded": both(first), "unbounded": both(second)}

    assert first.returncode == 3, first.stderr
    assert second.returncode in {0, 1}, second.stderr  # as the two failures came before the ceiling or after it
    assert [row["key"] for row in archive.rows() if row["state"] != "done"] == [refused, failed]
    assert "adopted" in json.dumps(archive.sidecar(lost)["story"])
    holds(
        sinks,
        {
            "at the ceiling, s3 _nightscribe/open.json": ["run_id"],
            "at the ceiling, s3 _nightscribe/intents/": ["url_hash"],
            "at the ceiling, s3 _nightscribe/runs/": ["settled_at"],
            "at the ceiling, terminal: status": ["reached"],
            "redis at the ceiling": ["budget", "spent"],
            "process command lines": ["workers.app", "flower"],
            "everything that Redis was told": ["PUBLISH", "celeryev", "EVALSHA", "budget", "unacked"],
            "flower /api/tasks": ["FAILURE", "SUCCESS", "with fal-ai/whisper"],
            "worker-": ["history_not_read", "request_found", "debug"],
            f"terminal: explain {archive.uri}{lost}": ["adopted"],
            f"terminal: explain {archive.uri}{failed}": ["REDACTED"],
            "terminal: limit": ["in flight"],
            "bounded": ["ceiling"],
            "unbounded": ["done"],
        },
    )
    came_as_far_as(sinks, "worker-", "everything that Redis was told", "_nightscribe/intents/", "flower /task/")
    assert canaries.leaks(sinks) == []


def test_stored_answers_replaced_sources_and_a_late_post_leave_no_secret_anywhere(guarded):
    archive, canaries = guarded, Canaries(guarded)
    echo = echo_of(canaries)
    sources = archive.put_episodes(4)
    kept, broken, replaced, late = sources
    archive.fault(
        {"on": "submit", "key": late, "times": 1, "do": {"hold_s": 4.0}}, {"on": "process", "do": {"delay_s": 4.0}}
    )

    with RedisTap(archive.redis.connection_pool.connection_kwargs["port"]) as tap:
        archive.start_worker()
        command = archive.start("backfill", archive.uri)
        eventually(lambda: len(archive.ledger()["accepted"]) == 3 and len(archive.intents()) == 4, "one POST is held")
        take_over(archive, late)
        archive.put(replaced, archive.read(replaced) * 2)
        ids = request_ids(archive)
        answer = {"text": "stored", "chunks": [], "request": {"audio_url": SIGNED, "query": parameters(), echo: echo}}
        rows = [
            history_rows.row(ids[kept], SIGNED, json_output=answer),
            history_rows.row(ids[broken], SIGNED, status_code=422, json_output={"detail": [detail_of(echo)]}),
        ]
        archive.fault(
            {"on": "result", "key": kept, "do": {"status": 404, "body": {"detail": echo}}},
            {"on": "result", "key": broken, "do": {"status": 404, "body": {"detail": echo}}},
            {"on": "result", "key": replaced, "do": {"status": 200, "body": answer}},
            {"on": "history", "do": {"status": 200, "body": history_rows.page(*rows)}},
        )
        sinks = {"redis at work": redis_dump(archive), "intents at work": json.dumps(archive.intents()).encode()}
        code = command.wait(PATIENCE_S)
    sinks["everything that Redis was told"] = tap.heard
    sinks |= objects(archive, besides=sources) | logs(archive) | terminals(archive, [kept, broken, replaced, late])
    sinks["show"] = both(archive.run("show", f"{archive.uri}{kept}"))

    assert code == 1, archive.log("command.log")
    reasons = {row["key"]: row["reason"] for row in archive.rows()}
    assert reasons == {kept: None, broken: "audio_duration_too_long", replaced: "stale", late: None}
    assert archive.sidecar(kept)["text"] == "stored"
    holds(
        sinks,
        {
            "s3 _nightscribe/unplaced/": ["stored", "REDACTED"],
            f"s3 {kept}.transcript.json": ["stored", "REDACTED"],
            "worker-w1.log": ["request_came_too_late", "debug"],
            f"terminal: explain {archive.uri}{broken}": ["audio_duration_too_long", "REDACTED"],
            f"terminal: explain {archive.uri}{replaced}": ["_nightscribe/unplaced/"],
            "intents at work": ["url_hash", "withdrawn"],
            "redis at work": ["jobs"],
            "show": ["stored"],
        },
    )
    came_as_far_as(sinks, "_nightscribe/unplaced/", ".transcript.json", "everything that Redis was told", "terminal: ")
    assert canaries.leaks(sinks) == []


def test_an_account_that_is_refused_in_mid_run_with_an_echo_of_its_key_leaves_no_secret_anywhere(guarded):
    archive, canaries = guarded, Canaries(guarded)
    echo = echo_of(canaries)
    sources = archive.put_episodes(6)
    lost = sources[0]
    refusal = {"status": 403, "body": {"detail": f"User is locked. {echo}"}, "headers": {"x-fal-error-type": echo}}
    archive.fault(
        {"on": "submit", "key": lost, "times": 1, "do": "lose_reply"},
        {"on": "history", "times": 1, "do": {"status": 401, "body": {"detail": echo}}},
        {"on": "history", "do": {"status": 403, "body": {"error": {"type": "authorization_error", "message": echo}}}},
        {"on": "submit", "skip": 3, "do": refusal},
    )

    with RedisTap(archive.redis.connection_pool.connection_kwargs["port"]) as tap:
        archive.start_worker(slots=1, NIGHTSCRIBE_FAL_SUBMIT_TIMEOUT_S="2")
        first = archive.run("backfill", f"{archive.uri}{lost}")
        stopped = archive.run("backfill", archive.uri, "--include", "*")
        sinks = {"redis, stopped": redis_dump(archive)} | terminals(archive, [lost, sources[-1]])
    sinks["everything that Redis was told"] = tap.heard
    sinks |= objects(archive, besides=sources) | logs(archive) | {"lost": both(first), "stopped": both(stopped)}

    assert (first.returncode, stopped.returncode) == (1, 4), (first.stderr, stopped.stderr)
    assert archive.ledger()["bills"], "nothing was done before the refusal"
    holds(
        sinks,
        {
            "redis, stopped": ["account_locked", "REDACTED"],
            "terminal: status": ["REDACTED", "stopped"],
            f"terminal: explain {archive.uri}{lost}": ["uncertain", "history", "REDACTED"],
            f"terminal: explain {archive.uri}{sources[-1]} --json": ["stop_order", "REDACTED"],
            "worker-w1.log": ["run_stopped", "REDACTED"],
            "everything that Redis was told": ["uncertain", "REDACTED"],
            "stopped": ["HTTP 403", "REDACTED"],
        },
    )
    assert canaries.leaks(sinks) == []


def test_an_endpoint_with_a_password_is_named_without_it_by_a_lax_store_and_by_one_that_is_away(servers, tmp_path):
    with moto_store() as moto, S3Proxy(moto["AWS_ENDPOINT_URL"], {"if-match", "if-none-match"}) as proxy:
        archive = Archive(servers, tmp_path)
        archive.environment |= moto | {"AWS_ENDPOINT_URL": with_password(proxy.url)}
        archive.client = boto3.client(
            "s3",
            endpoint_url=proxy.url,
            region_name="us-east-1",
            aws_access_key_id=moto["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=moto["AWS_SECRET_ACCESS_KEY"],
        )
        (closed,) = free_ports(1)
        away = {"AWS_ENDPOINT_URL": with_password(f"http://127.0.0.1:{closed}"), "NIGHTSCRIBE_S3_MAX_ATTEMPTS": "1"}
        with archive:
            (episode,) = archive.put_episodes(1)
            archive.start_worker(NIGHTSCRIBE_LOGS_LEVEL="DEBUG", **away)
            sinks = {
                "lax": both(archive.run("backfill", archive.uri)),
                "away": both(archive.run("backfill", archive.uri, **away)),
                "explain away": both(archive.run("explain", f"{archive.uri}{episode}", **away)),
                "no URL": both(archive.run("plan", archive.uri, AWS_ENDPOINT_URL=f"u:{ENDPOINT_PASSWORD}@host")),
                "bad URL": both(archive.run("plan", archive.uri, AWS_ENDPOINT_URL=f"http://u:{ENDPOINT_PASSWORD}/@h")),
                "config": both(archive.run("config", "show", NIGHTSCRIBE_FAL_QUEUE_URL=with_password("http://h"))),
            }
            accepted = archive.start("backfill", archive.uri, NIGHTSCRIBE_S3_EXCLUSIVITY_BY_REDIS_ALONE="true")
            eventually(lambda: "job_put_off" in archive.log(), "the worker cannot reach its store")
            accepted.kill()
            accepted.wait()
            sinks |= logs(archive)

            holds(
                sinks,
                {
                    "lax": [proxy.url.removeprefix("http://"), "ignores"],
                    "away": [f"127.0.0.1:{closed}", "did not answer"],
                    "explain away": ["did not answer"],
                    "no URL": ["Invalid endpoint", "REDACTED@host"],
                    "bad URL": ["not a valid URI", "REDACTED@h"],
                    "config": ["http://user:**********@h"],
                    "command.log": ["WARNING", proxy.url.removeprefix("http://")],
                    "worker-w1.log": ["job_put_off"],
                },
            )
            assert Canaries(archive).leaks(sinks) == []


def echo_of(canaries: Canaries) -> str:
    """What a careless server quotes of a request: its header with the key, half of it, and the URL in the body."""
    key, half = (canaries.secrets[name] for name in ("the fal key", "the secret half of the fal key"))
    return f"Authorization: Key {key} ({half}) for {SIGNED}"


def detail_of(echo: str) -> dict[str, Any]:
    """A detail of a 422, as fal sends it: `input` is the URL that was sent."""
    return {"type": "audio_duration_too_long", "msg": echo, "loc": ["body", "audio_url", SIGNED], "input": SIGNED}


def parameters() -> dict[str, str]:
    """The presigned URL's parameters one by one, as a log of headers or a parsed query shows them."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(SIGNED).query))


def twice_escaped() -> str:
    """The presigned URL within a URL that is itself a parameter."""
    return urllib.parse.quote(urllib.parse.quote(SIGNED, safe=""), safe="")


def with_password(url: str) -> str:
    """The URL with a user and a secret before its host."""
    return url.replace("://", f"://user:{ENDPOINT_PASSWORD}@")


def both(outcome: Any) -> bytes:
    """What a command has printed."""
    return (outcome.stdout + outcome.stderr).encode()


def request_ids(archive: Archive) -> dict[str, str]:
    """fal's request of each key that has one."""
    return {
        intent["object"]["key"]: intent["request"]["request_id"] for intent in archive.intents() if intent["request"]
    }


def take_over(archive: Archive, key: str) -> None:
    """Does what a second worker does that has found nothing of a first one's POST after its URL has expired."""
    (name,) = [
        name for name in archive.keys("_nightscribe/intents/") if json.loads(archive.read(name))["object"]["key"] == key
    ]
    intent = json.loads(archive.read(name)) | {"owner": "another", "state": "withdrawn"}
    archive.put(name, json.dumps(intent).encode())


def holds(sinks: dict[str, bytes], expected: dict[str, list[str]]) -> None:
    """Fails unless the places that begin so hold these words between them: a search in nothing proves nothing."""
    for start, words in expected.items():
        text = " ".join(reading for place in sinks if place.startswith(start) for reading in readings_of(sinks[place]))
        missing = [word for word in words if word not in text]
        assert not missing, (start, missing, text[-1500:])


def came_as_far_as(sinks: dict[str, bytes], *parts: str) -> None:
    """Fails unless echoes came into places of all these kinds, and were taken out there."""
    redacted = [place for place, held in sinks.items() if any("REDACTED" in text for text in readings_of(held))]
    for part in parts:
        assert any(part in place for place in redacted), (part, redacted)
