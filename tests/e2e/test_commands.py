"""The other commands from outside: plan, status, show, transcribe, config."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from archives import end, eventually

pytestmark = [pytest.mark.e2e]


def test_plan_tells_what_would_be_done_without_a_write_or_a_fal_call(archive):
    episodes = archive.put_episodes(3)
    archive.put("empty.mp3", b"")
    before = archive.keys()

    outcome = archive.run("plan", archive.uri, "--json")

    plan = json.loads(outcome.stdout)
    assert outcome.returncode == 0, outcome.stderr
    assert (plan["jobs"], plan["skips"]) == (3, {"empty_object": 1})
    assert plan["jobs_as"] == {"new": 3}
    low, high = plan["estimated_audio_s_range"]
    assert 0 < low < plan["estimated_audio_s"] < high
    low, high = plan["estimated_cost_usd_range"]
    assert 0 < low < plan["estimated_cost_usd"] < high
    assert plan["s3"]["requests"]["LIST"] == 1
    assert plan["s3"]["requests_usd"] > 0
    assert plan["time"]["estimated_s"] > 0
    assert archive.keys() == before
    assert archive.ledger()["accepted"] == []
    assert set(episodes) <= set(before)


def test_plan_says_that_a_price_is_not_known(archive):
    archive.put_episodes(1)

    outcome = archive.run("plan", archive.uri, "--model", "some/other/model")

    assert "Cost:  unknown" in outcome.stdout
    assert '[prices."some/other/model"]' in outcome.stdout


def test_plan_lists_each_decision_with_control_characters_escaped(archive):
    archive.put("evil\x1b[31m.mp3", b"x")

    outcome = archive.run("plan", archive.uri, "--list")

    assert "'evil\\x1b[31m.mp3'" in outcome.stdout
    assert "\x1b[31m" not in outcome.stdout


def test_plan_needs_neither_redis_nor_a_key(archive):
    archive.put_episodes(1)

    outcome = archive.run("plan", archive.uri, REDIS_URL="redis://127.0.0.1:9/0", FAL_KEY="")

    assert outcome.returncode == 0, outcome.stderr


def test_status_shows_an_open_run_and_then_the_manifest(archive):
    archive.put_episodes(3)
    archive.fault({"on": "process", "do": {"delay_s": 6.0}})
    worker = archive.start_worker()
    command = archive.start("backfill", archive.uri)
    during = eventually(lambda: (status := _status(archive))["runs"] and status["permits"]["held"] and status, "a run")

    code = command.wait(90)
    after = _status(archive, archive.uri)

    assert code == 0
    assert [run["archive_uri"] for run in during["runs"]] == [archive.uri]
    assert [worker["slots"] for worker in during["workers"]] == [8]
    assert (after["runs"], after["queued"], after["permits"]["held"]) == ([], 0, 0)
    assert after["manifest"]["totals"]["by_state"] == {"done": 3}
    assert "3 done" in archive.run("status", archive.uri).stdout
    end(worker)


def test_status_names_a_worker_that_takes_no_jobs_any_more(archive):
    worker = {"name": "nightscribe@here", "slots": 8, "busy": 0, "is_stuck": True}
    archive.redis.sadd(f"{archive.bucket}:workers", worker["name"])
    archive.redis.set(f"{archive.bucket}:worker:{worker['name']}", json.dumps(worker), px=60_000)

    outcome = archive.run("status")

    assert "stuck     nightscribe@here" in outcome.stdout


def test_the_limit_is_changed_while_workers_run(archive):
    """Three permits by the settings; one from the moment it is said."""
    archive.put_episodes(16)
    settings = {"NIGHTSCRIBE_LIMITS_CONCURRENCY": "2", "NIGHTSCRIBE_LIMITS_OVERCOMMIT": "1.5"}
    archive.fault({"on": "process", "do": {"delay_s": 1.5}})
    archive.start_worker(**settings)
    command = archive.start("backfill", archive.uri, **settings)
    eventually(lambda: archive.in_flight() == 3, "all permits are in use")

    lowered = archive.run("limit", "1", **settings)
    eventually(lambda: archive.in_flight() <= 1, "the requests in flight have ended")
    most, done = 0, len(archive.ledger()["bills"])
    while command.poll() is None and len(archive.ledger()["bills"]) < done + 2:
        most = max(most, archive.in_flight())
    archive.fault()
    raised = json.loads(archive.run("limit", "default", "--json", **settings).stdout)

    assert "at most 1" in lowered.stdout
    assert most == 1
    assert (raised["account"], raised["ceiling"]) == ("local", 3)
    assert command.wait(90) == 0, archive.log("command.log")


@pytest.mark.parametrize("limit", ["0", "-1", "2.5", "many", "²"])
def test_a_limit_that_is_none_is_refused(archive, limit):
    outcome = archive.run("limit", "--", limit)

    assert outcome.returncode == 2
    assert "neither a number above zero nor the word default" in outcome.stderr


def _status(archive, *words):
    return json.loads(archive.run("status", *words, "--json").stdout)


def test_show_prints_a_transcript_with_its_times(archive):
    (key,) = archive.put_episodes(1)
    archive.start_worker()
    archive.run("backfill", archive.uri)
    sidecar = archive.sidecar(key)

    plain = archive.run("show", f"{archive.uri}{key}")
    subtitles = archive.run("show", f"{archive.uri}{key}", "--format", "srt")
    as_json = archive.run("show", f"{archive.uri}{key}", "--json")

    assert f"[00:00:00.000]  {sidecar['segments'][0]['text']}" in plain.stdout
    assert subtitles.stdout.startswith("1\n00:00:00,000 --> ")
    assert json.loads(as_json.stdout) == sidecar


@pytest.mark.parametrize(
    ("words", "beginning"),
    [
        (["--format", "txt"], ""),
        (["--format", "json"], '{"version": "1.0.0", "segments": ['),
        (["--format", "vtt"], "WEBVTT"),
        (["--format", "srt"], "1\n"),
        (["--json"], '{\n "text": "'),
    ],
    ids=" ".join,
)
def test_transcribe_needs_no_broker_and_prints_only_the_transcript(archive, words, beginning):
    (key,) = archive.put_episodes(1)

    outcome = archive.run("transcribe", f"{archive.uri}{key}", *words, REDIS_URL="redis://127.0.0.1:9/0")

    assert outcome.returncode == 0, outcome.stderr
    assert len(archive.ledger()["bills"]) == 1
    assert archive.keys() == [key]
    assert outcome.stdout.startswith(beginning)
    assert len(outcome.stdout.split()) >= 12


def test_transcribe_takes_any_url_that_fal_can_open(archive):
    (key,) = archive.put_episodes(1)
    url = archive.client.generate_presigned_url("get_object", Params={"Bucket": archive.bucket, "Key": key})

    outcome = archive.run("transcribe", url, "--model", "fal-ai/wizper", "--language", "en")

    assert outcome.returncode == 0, outcome.stderr
    assert [request["endpoint_id"] for request in archive.ledger()["accepted"]] == ["fal-ai/wizper"]


def test_config_show_tells_every_value_with_its_origin_and_no_secret(archive):
    outcome = archive.run("config", "show", NIGHTSCRIBE_LIMITS_CONCURRENCY="7")
    as_json = archive.run("config", "show", "--json", REDIS_URL="redis://u:canary@127.0.0.1:1/0")

    assert "limits.concurrency" in outcome.stdout
    assert "7  (NIGHTSCRIBE_LIMITS_CONCURRENCY)" in outcome.stdout
    assert "(configs/default.toml)" in outcome.stdout
    assert "(configs/local.toml)" in outcome.stdout
    assert archive.environment["FAL_KEY"] not in outcome.stdout
    assert json.loads(as_json.stdout)["redis.url"]["value"] == "redis://u:**********@127.0.0.1:1/0"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["plan"],
        ["backfill"],
        ["retry-failed"],
        ["status"],
        ["limit"],
        ["show"],
        ["explain"],
        ["transcribe"],
        ["config", "show"],
    ],
)
def test_every_command_has_examples_in_its_help_and_needs_nothing_for_it(words):
    outcome = subprocess.run(
        [sys.executable, "-m", "pipeline", *words, "--help"], env={}, capture_output=True, text=True, check=False
    )

    assert outcome.returncode == 0, outcome.stderr
    assert "Examples:\n" in outcome.stdout
    assert "  nightscribe " in outcome.stdout
