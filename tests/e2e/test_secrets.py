"""No secret in any log, message, result, sidecar or manifest (I9): canaries are seeded everywhere and looked for.

Every place that is searched is shown to hold what it should, and the search to find what is planted.
"""

from __future__ import annotations

import base64
import gzip
import json
import urllib.parse
from typing import Any

import pytest
from archives import PATIENCE_S, Archive, end, eventually
from canaries import REDIS_PASSWORD, SIGNED, Canaries, RedisTap, readings_of
from sinks import command_lines, flower_pages, logs, objects, redis_dump

from emulator.stack.ports import free_ports

pytestmark = [pytest.mark.e2e]


@pytest.mark.parametrize("secret", ["the fal key", "the secret half of the fal key", "the AWS secret key"])
@pytest.mark.parametrize(
    "wrapped",
    [
        lambda secret: f'{{"event": "x", "authorization": "Key {secret}"}}'.encode(),
        lambda secret: gzip.compress(f"row\nhttps://h/?k={secret}\n".encode()),
        lambda secret: json.dumps({"body": base64.b64encode(f'[{{"key": "{secret}"}}]'.encode()).decode()}).encode(),
        lambda secret: urllib.parse.quote(f"https://h/?k={secret}", safe="").encode(),
    ],
    ids=["in a log line", "gzipped", "in a message's body", "in an escaped URL"],
)
def test_the_search_finds_a_secret_that_is_planted(archive, secret, wrapped):
    canaries = Canaries(archive)

    (leak, *_) = canaries.leaks({"the place": b"innocent " * 20, "another": wrapped(canaries.secrets[secret])})

    assert " in another: " in leak


_REDACTED = ("REDACTED HTTP", "REDAC....", "....", "REDACTE…")


@pytest.mark.parametrize("sign", ["=", "%3D", "%253D", "\\u003d", "&#61;", '": "', ":\n"])
def test_the_search_finds_any_signature_and_lets_redacted_ones_be(archive, sign):
    canaries = Canaries(archive)

    found = canaries.leaks({"log": f"GET /a.mp3?X-Amz-Signature{sign}0123456789abcdef HTTP".encode()})
    nothing = canaries.leaks({shown: f"GET /a.mp3?X-Amz-Signature{sign}{shown}".encode() for shown in _REDACTED})

    assert len(found) >= 1
    assert nothing == []


def test_a_run_with_every_fault_that_echoes_a_secret_leaves_none_anywhere(guarded):
    archive, canaries = guarded, Canaries(guarded)
    archive.may_fork = False  # `ps` is asked
    episodes = archive.put_episodes(10)
    archive.put("bad/page.mp3", f"<!DOCTYPE html><html>{SIGNED}</html>".encode() * 10)
    archive.put("bad/empty.mp3", b"")
    sources = set(archive.keys())
    archive.fault(*_echoes(episodes, canaries))
    sinks: dict[str, bytes] = {}

    with RedisTap(archive.redis.connection_pool.connection_kwargs["port"]) as tap:
        flower = archive.start_flower()
        command = archive.start("backfill", archive.uri, "--formats", "vtt,srt,txt")
        eventually(lambda: archive.redis.llen(archive.queue) == 11, "all messages wait")
        sinks["redis before the workers"] = redis_dump(archive)
        archive.start_worker("json", slots=3)
        archive.start_worker("text", slots=3, NIGHTSCRIBE_LOGS_FORMAT="text")
        eventually(lambda: archive.intents() and archive.redis.hlen(f"{archive.bucket}:unacked"), "work in hand")
        sinks["redis at work"] = redis_dump(archive)
        sinks["intents at work"] = json.dumps(archive.intents()).encode()
        sinks["process command lines"] = command_lines(archive)
        sinks["status --json at work"] = archive.run("status", "--json").stdout.encode()
        assert command.wait(PATIENCE_S) == 1, archive.log("command.log")
        sinks |= flower_pages(flower)
    sinks["everything that Redis was told"] = tap.heard
    for process in archive.processes[2:]:
        end(process)
    sinks |= objects(archive, besides=sources) | logs(archive)

    _assert_that_nothing_was_missed(archive, sinks)
    assert canaries.leaks(sinks) == []


def test_a_run_that_fal_refuses_with_an_echo_of_the_key_shows_no_secret(guarded):
    archive, canaries = guarded, Canaries(guarded)
    archive.put_episodes(3)
    echo = f"invalid key {canaries.secrets['the fal key']}, half {canaries.secrets['the secret half of the fal key']}"
    archive.fault({"on": "submit", "do": {"status": 401, "body": {"detail": f"{echo} for {SIGNED}"}}})
    archive.start_worker()

    with RedisTap(archive.redis.connection_pool.connection_kwargs["port"]) as tap:
        outcome = archive.run("backfill", archive.uri)
        status = archive.run("status", "--json")

    assert outcome.returncode == 4, outcome.stderr
    assert "401" in outcome.stderr
    assert "stopped_because" in status.stdout
    worker = archive.log().encode()
    assert b"run_stopped" in worker
    shown = {"stdout": outcome.stdout, "stderr": outcome.stderr, "status": status.stdout + status.stderr}
    sinks = {name: text.encode() for name, text in shown.items()}
    assert canaries.leaks({**sinks, "worker": worker, "redis": tap.heard}) == []


def test_commands_of_one_recording_print_no_secret_well_or_badly(guarded):
    archive, canaries = guarded, Canaries(guarded)
    good, gone, refused, broken = archive.put_episodes(4)
    key = canaries.secrets["the fal key"]
    archive.fault(
        {"on": "download", "key": gone, "do": "drop"},
        {"on": "submit", "key": refused, "do": {"status": 401, "body": {"detail": f"no such key: {key}; {SIGNED}"}}},
        {"on": "submit", "key": broken, "do": {"status": 500, "body": f"<html>{key} {SIGNED}</html>"}},
    )
    uri = f"s3://{archive.bucket}/"

    runs = {
        "well": archive.run("transcribe", f"{uri}{good}", "--format", "json"),
        "download": archive.run("transcribe", f"{uri}{gone}"),
        "refused": archive.run("transcribe", f"{uri}{refused}"),
        "broken": archive.run("transcribe", f"{uri}{broken}", NIGHTSCRIBE_LOGS_FORMAT="text"),
        "url": archive.run("transcribe", SIGNED),
        "no url": archive.run("transcribe", SIGNED.replace("https://", "ftp://")),
    }

    assert [run.returncode for run in runs.values()] == [0, 2, 4, 1, 2, 2], [run.stderr for run in runs.values()]
    assert "file_download_error" in runs["download"].stderr
    assert all(run.stdout + run.stderr for run in runs.values())
    assert canaries.leaks({name: (run.stdout + run.stderr).encode() for name, run in runs.items()}) == []


def test_commands_about_the_set_up_print_no_secret_well_or_badly(guarded):
    archive, canaries = guarded, Canaries(guarded)
    archive.put_episodes(1)
    (closed,) = free_ports(1)
    away = f"redis://user:{REDIS_PASSWORD}@127.0.0.1:{closed}/0"
    wrong_redis = archive.environment["REDIS_URL"].replace("redis://", "redis://wrong-")
    half = {
        "FAL_KEY": "",
        "FAL_KEY_ID": "no-such-id",
        "FAL_KEY_SECRET": canaries.secrets["the secret half of the fal key"],
    }

    runs = {
        "config show": archive.run("config", "show"),
        "config show --json": archive.run("config", "show", "--json"),
        "plan": archive.run("plan", archive.uri, "--list"),
        "status away": archive.run("status", REDIS_URL=away),
        "status refused": archive.run("status", REDIS_URL=wrong_redis),
        "no redis url": archive.run("status", REDIS_URL=f"redis://user:{REDIS_PASSWORD}@host:port/x"),
        "backfill away": archive.run("backfill", archive.uri, REDIS_URL=away),
        "key in two parts": archive.run("backfill", archive.uri, **half),
        "key with a line end": archive.run(
            "transcribe", "https://a.test/b.mp3", FAL_KEY=archive.environment["FAL_KEY"] + "\n\x07x"
        ),
        "s3 refused": archive.run("plan", archive.uri, AWS_ACCESS_KEY_ID="unknown"),
    }

    assert [run.returncode for run in runs.values()][:3] == [0, 0, 0], [run.stderr for run in runs.values()]
    assert all(run.returncode for name, run in runs.items() if " " in name and "show" not in name)
    assert "**********" in runs["config show"].stdout
    assert archive.bucket in runs["config show"].stdout
    assert all(run.stdout + run.stderr for run in runs.values())
    assert canaries.leaks({name: (run.stdout + run.stderr).encode() for name, run in runs.items()}) == []


def _echoes(episodes: list[str], canaries: Canaries) -> list[dict[str, Any]]:
    """A fault per episode, each with a body that fal or a proxy before it might send; the last two go well."""
    key, half = (canaries.secrets[name] for name in ("the fal key", "the secret half of the fal key"))
    echo = f"Authorization: Key {key} ({half}) for {SIGNED}"
    page = f"<html><body>Bad gateway: {echo}</body></html>"
    refused = [{"type": "audio_duration_too_long", "msg": echo, "loc": ["body", SIGNED], "input": SIGNED}]
    answer = {"text": "hello", "chunks": [], "request": {"audio_url": SIGNED, "headers": echo, echo: 1}}
    acts: list[tuple[str, dict[str, Any]]] = [
        ("download", {"do": "drop"}),  # a 422 whose `input` is the very URL that was sent
        ("process", {"times": 1, "do": {"fail": {"detail": echo}}}),
        ("process", {"do": {"fail": {"status": 422, "detail": refused}}}),
        ("status", {"times": 2, "do": {"status": 502, "body": page}}),
        ("result", {"times": 2, "do": {"status": 500, "body": page}}),
        ("result", {"times": 1, "do": {"status": 200, "body": page}}),
        ("submit", {"do": {"status": 500, "body": page}}),
        ("result", {"do": {"status": 200, "body": answer}}),
    ]
    slowly = {"on": "process", "do": {"delay_s": 1.0}}  # so that neither worker takes all before the other has begun
    return [*({"on": stage, "key": key, **rule} for key, (stage, rule) in zip(episodes, acts, strict=False)), slowly]


def _assert_that_nothing_was_missed(archive: Archive, sinks: dict[str, bytes]) -> None:
    """A search in nothing proves nothing: each place holds what it is searched for."""
    assert sorted(row["reason"] for row in archive.rows() if row["state"] != "done") == [
        "audio_duration_too_long",
        "empty_object",
        "file_download_error",
        "not_audio",
        "submit_reply_lost",
    ]
    assert len([place for place in sinks if place.endswith(".transcript.json")]) == 7
    expected = {
        "redis before the workers": [":jobs", "argsrepr"],
        "redis at work": ["unacked", "started", "permits"],
        "intents at work": ["url_hash"],
        "process command lines": ["backfill", "workers.app", "flower"],
        "status --json at work": ["outstanding", archive.bucket],
        "everything that Redis was told": ["PUBLISH", "celeryev", "unacked", '"EVALSHA"', "rows"],
        "flower /api/tasks": ["FAILURE", "SUCCESS", "with fal-ai/whisper"],
        "worker-json.log": ['"event": "request_submitted"', '"level": "debug"'],
        "worker-text.log": ["request_submitted", "debug"],
        "command.log": ["7 done"],
        "flower.log": ["Connected"],
    }
    for place, words in expected.items():
        text = " ".join(readings_of(sinks[place]))
        assert all(word in text for word in words), (place, words, text[:500])
    redacted = [place for place, content in sinks.items() if b"REDACTED" in content]
    # The echoes came as far as here and were taken out: in what is logged, sent, kept and shown.
    for part in (
        "worker-",
        "everything that Redis was told",
        "_nightscribe/intents/",
        ".transcript.json",
        "flower /task/",
    ):
        assert any(part in place for place in redacted), (part, redacted)
