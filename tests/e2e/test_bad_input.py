"""What people get wrong: each ends with its exit code and one message of what happened, to what, and what to do."""

from __future__ import annotations

import json
import subprocess

import pytest
from archives import PATIENCE_S, Archive, end, eventually

from emulator.archive.clips import samples
from emulator.archive.encoding import Encoding, encode
from emulator.stack.ports import free_ports
from emulator.stack.redis import RedisServer

pytestmark = [pytest.mark.e2e]

_WRONG_KEY = "11111111-2222-3333-4444-555555555555:0123456789abcdef0123456789abcdef"


def _says(outcome: subprocess.CompletedProcess[str], code: int, *words: str) -> None:
    """Fails unless the command ended so, with one error message that has all these words, and without a traceback."""
    said = outcome.stdout + outcome.stderr
    assert outcome.returncode == code, said
    assert "Traceback" not in said
    assert outcome.stderr.count("Error: ") == 1, outcome.stderr
    message = outcome.stderr.split("Error: ")[1]
    missing = [word for word in words if word not in message]
    assert not missing, (missing, message)


def _nothing_was_begun(archive: Archive) -> None:
    assert archive.redis.llen(archive.queue) == 0
    assert archive.ledger()["accepted"] == []
    assert archive.keys("_nightscribe/") == []
    assert json.loads(archive.run("status", "--json").stdout)["runs"] == []


# Mistakes on the command line: seen before anything is asked of a server.


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backfill", "podcasts"], ["'podcasts'", "s3://BUCKET/PREFIX"]),
        (["backfill", "https://host/podcasts"], ["'https://host/podcasts'", "s3://BUCKET/PREFIX"]),
        (["plan", "s3://"], ["names no bucket", "s3://BUCKET/PREFIX"]),
        (["backfill", "s3://b/", "--output", "results"], ["--output", "'results'", "s3://BUCKET/PREFIX"]),
        (["backfill", "s3://b/", "--model", "whisper"], ["'whisper'", "owner/app", "fal-ai/whisper", "--model"]),
        (["backfill", "s3://b/", "--model", "fal-ai/../x"], ["'fal-ai/../x'", "--model"]),
        (["backfill", "s3://b/", "--language", "klingon"], ["'klingon'", "auto"]),
        (["backfill", "s3://b/", "--language", "de-DE"], ["'de-DE'", "Did you mean de"]),
        (["backfill", "s3://b/", "--arg", "batch_size"], ["'batch_size'", "KEY=VALUE", "--arg"]),
        (["backfill", "s3://b/", "--arg", "batchsize=8"], ["fal-ai/whisper", "'batchsize'", "Did you mean batch_size"]),
        (["backfill", "s3://b/", "--arg", "batch_size=many"], ["fal-ai/whisper", "batch_size", "--arg"]),
        (["backfill", "s3://b/", "--arg", "audio_url=x"], ["audio_url", "--arg", "Leave it out"]),
        (["backfill", "s3://b/", "--formats", "vtt,pdf"], ["--formats", "'pdf'", "srt, txt, vtt"]),
        (["backfill", "s3://b/", "--limit", "-1"], ["--limit", "-1"]),
        (["backfill", "s3://b/", "--task", "sing"], ["--task", "'sing'", "transcribe", "translate"]),
        (["backfill"], ["s3://BUCKET/PREFIX"]),
        (["backfil", "s3://b/"], ["backfil"]),
        (["transcribe", "/tmp/episode.mp3"], ["'/tmp/episode.mp3'", "local file", "S3"]),
        (["transcribe", "file:///tmp/episode.mp3"], ["'file:///tmp/episode.mp3'", "http", "s3://BUCKET/KEY"]),
        (["transcribe", "https://h/a.mp3", "--format", "pdf"], ["--format", "'pdf'", "srt"]),
        (["show", "episode.mp3"], ["'episode.mp3'", "s3://BUCKET"]),
    ],
    ids=" ".join,
)
def test_a_mistyped_command_names_the_word_and_what_it_may_be(archive, words, message):
    _says(archive.run(*words), 2, *message)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("NIGHTSCRIBE_LIMITS_CONCURENCY", "4", ["NIGHTSCRIBE_LIMITS_CONCURENCY", "'NIGHTSCRIBE_LIMITS_CONCURRENCY'"]),
        ("NIGHTSCRIBE_LIMITS_CONCURRENCY", "many", ["NIGHTSCRIBE_LIMITS_CONCURRENCY", "limits.concurrency", "integer"]),
        ("NIGHTSCRIBE_LOGS_LEVEL", "LOUD", ["NIGHTSCRIBE_LOGS_LEVEL", "logs.level", "DEBUG"]),
        ("NIGHTSCRIBE_PROFILE", "prod", ["NIGHTSCRIBE_PROFILE", "'prod'", "'production'"]),
        ("NIGHTSCRIBE_QUEUE_LOW_WATER", "5000", ["NIGHTSCRIBE_QUEUE_LOW_WATER", "queue.high_water"]),
        ("NIGHTSCRIBE_FAL_QUEUE_URL", "queue.fal.run", ["NIGHTSCRIBE_FAL_QUEUE_URL", "fal.queue_url"]),
        ("REDIS_URL", "localhost:6379", ["redis.url", "redis://"]),
        ("AWS_ENDPOINT_URL", "localhost:8333", ["AWS_ENDPOINT_URL"]),
    ],
)
def test_a_wrong_variable_is_named_with_what_it_may_be(archive, variable, value, message):
    # S3 comes into `plan`, Redis into `status`; both read all settings.
    words = ["status"] if variable == "REDIS_URL" else ["plan", archive.uri]

    _says(archive.run(*words, **{variable: value}), 2, *message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[limits]\nconcurency = 4\n", ["limits.concurency", "'limits.concurrency'"]),
        ("[retry]\nmax_attempts = 0\n", ["retry.max_attempts", "greater than or equal to 1"]),
        ("[limits\nconcurrency = 4\n", ["not valid TOML", "line 1"]),
        ("limits = 4\n", ["limits"]),
        ("\udcff", ["Cannot read"]),
        (None, ["Cannot read"]),
    ],
    ids=["unknown name", "value out of range", "not TOML", "not a table", "not text", "no such file"],
)
def test_a_wrong_configuration_file_is_named_with_the_place_in_it(archive, text, message):
    path = archive.folder / "mine.toml"
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))

    _says(archive.run("config", "show", NIGHTSCRIBE_CONFIG=str(path)), 2, str(path), *message)


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"FAL_KEY": ""}, ["FAL_KEY", "fal.ai/dashboard/keys", "make demo"]),
        ({"FAL_KEY": "id:sec\x07ret"}, ["FAL_KEY", "ID:SECRET"]),
        ({"NIGHTSCRIBE_LIMITS_CONCURENCY": "4"}, ["'NIGHTSCRIBE_LIMITS_CONCURRENCY'"]),
        ({"REDIS_URL": "localhost:6379"}, ["redis.url", "redis://"]),
    ],
    ids=["no key", "a key that cannot be one", "an unknown setting", "no Redis URL"],
)
def test_a_worker_that_cannot_work_says_why_and_ends(archive, env, message):
    worker = archive.start_worker(**env)

    code = worker.wait(PATIENCE_S)

    said = archive.log()
    assert code == 2, said
    assert "Traceback" not in said
    assert said.count("Error: ") == 1, said
    assert all(word in said for word in message), said


# S3


def test_a_bucket_that_does_not_exist(archive):
    missing = f"{archive.bucket}-typo"

    for words in (["plan", f"s3://{missing}/"], ["backfill", f"s3://{missing}/"]):
        _says(archive.run(*words), 2, missing, "no such bucket", "Check the name")
    _nothing_was_begun(archive)


def test_a_bucket_for_results_that_does_not_exist(archive):
    archive.put_episodes(1)
    missing = f"{archive.bucket}-typo"

    _says(archive.run("backfill", archive.uri, "--output", f"s3://{missing}/"), 2, missing, "no such bucket")
    _nothing_was_begun(archive)


def test_a_name_that_no_bucket_can_have(archive):
    _says(archive.run("plan", "s3://No Such Bucket!/"), 2, "No Such Bucket!")


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, ["SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"]),
        ({"AWS_ACCESS_KEY_ID": "unknown"}, ["InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"]),
        (
            {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/none"},
            ["credentials", "AWS_ACCESS_KEY_ID"],
        ),
    ],
    ids=["wrong secret", "unknown key id", "no credentials"],
)
def test_s3_refuses(archive, env, message):
    archive.put_episodes(1)

    _says(archive.run("backfill", archive.uri, **env), 2, f"s3://{archive.bucket}/", *message)
    _nothing_was_begun(archive)


def test_s3_is_away(archive):
    (port,) = free_ports(1)
    away = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "NIGHTSCRIBE_S3_MAX_ATTEMPTS": "2"}

    for words in (["plan", archive.uri], ["backfill", archive.uri], ["transcribe", f"{archive.uri}a.mp3"]):
        _says(archive.run(*words, **away), 2, f"127.0.0.1:{port}", "did not answer", "AWS_ENDPOINT_URL")
    _nothing_was_begun(archive)


@pytest.mark.parametrize("command", ["plan", "backfill"])
def test_a_prefix_without_anything(archive, command):
    archive.put_episodes(1)

    _says(archive.run(command, f"{archive.uri}typo/"), 2, f"no audio under {archive.uri}typo/", "0 other", "prefix")
    _nothing_was_begun(archive)


def test_a_prefix_without_audio(archive):
    archive.put("cover.jpg", b"x")
    archive.put("notes.txt", b"x")

    _says(archive.run("backfill", archive.uri), 2, f"no audio under {archive.uri}", "2 other", "audio.extensions")
    _nothing_was_begun(archive)


# Redis and workers


def test_redis_is_away(archive):
    archive.put_episodes(1)
    (port,) = free_ports(1)

    for words in (["status"], ["backfill", archive.uri]):
        outcome = archive.run(*words, REDIS_URL=f"redis://127.0.0.1:{port}/0")
        _says(outcome, 2, f"127.0.0.1:{port}", "Redis", "REDIS_URL")
    _nothing_was_begun(archive)


def test_a_worker_waits_for_a_redis_that_is_away_says_so_and_works_when_it_comes(archive):
    episodes = archive.put_episodes(2)
    server = RedisServer(archive.folder)
    worker = archive.start_worker(REDIS_URL=server.url)
    where = server.url.removeprefix("redis://").removesuffix("/0")
    eventually(lambda: where in archive.log() and "does not answer" in archive.log(), "the worker says what it misses")
    running = worker.poll() is None

    try:
        server.start()
        outcome = archive.run("backfill", archive.uri, REDIS_URL=server.url)
        code = end(worker)
    finally:
        server.stop()

    assert running
    assert outcome.returncode == 0, outcome.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert code == 0
    assert "Traceback" not in archive.log()


def test_a_run_without_a_worker_says_so_within_seconds_and_goes_on_when_one_starts(archive):
    episodes = archive.put_episodes(2)
    command = archive.start("backfill", archive.uri)
    eventually(lambda: "No worker is running" in archive.log("command.log"), "it is said", patience_s=30)
    said = archive.log("command.log")

    archive.start_worker()

    assert "make worker" in said
    assert command.wait(PATIENCE_S) == 0, archive.log("command.log")
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def test_a_run_without_a_worker_gives_up_and_the_same_command_completes_it_later(archive):
    episodes = archive.put_episodes(2)

    alone = archive.run(
        "backfill", archive.uri, NIGHTSCRIBE_RUN_WORKER_WAIT_S="3", NIGHTSCRIBE_RUN_WORKER_WARN_S="1"
    )
    archive.start_worker()
    again = archive.run("backfill", archive.uri)

    _says(alone, 2, "No worker", "make worker", "same command")
    assert again.returncode == 0, again.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert {row["state"] for row in archive.rows()} == {"done"}


def test_the_second_of_two_runs_over_an_archive_is_refused_and_the_first_is_not_disturbed(archive):
    episodes = archive.put_episodes(2)
    first = archive.start("backfill", archive.uri)
    eventually(lambda: archive.redis.llen(archive.queue) == 2, "the first run has sent its jobs")

    second = archive.run("backfill", archive.uri)
    archive.start_worker()

    _says(second, 5, archive.uri, "alive", "Wait")
    assert first.wait(PATIENCE_S) == 0, archive.log("command.log")
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


# fal


@pytest.mark.parametrize(
    ("key", "code", "message"),
    [
        ("", 2, ["FAL_KEY", "fal.ai/dashboard/keys", "make demo"]),
        (_WRONG_KEY, 4, ["401", "invalid key credentials", "FAL_KEY"]),
    ],
    ids=["no key", "wrong key"],
)
def test_transcribe_without_a_key_that_fal_takes(archive, key, code, message):
    (episode,) = archive.put_episodes(1)

    outcome = archive.run("transcribe", f"{archive.uri}{episode}", FAL_KEY=key)

    _says(outcome, code, *message)
    assert outcome.stdout == ""
    assert key == "" or key not in outcome.stderr


def test_a_wrong_key_is_found_out_before_anything_is_enqueued(archive):
    archive.put_episodes(3)

    outcome = archive.run("backfill", archive.uri, FAL_KEY=_WRONG_KEY)

    _says(outcome, 4, "401", "invalid key credentials", "FAL_KEY", "same command")
    assert archive.redis.llen(archive.queue) == 0
    assert archive.ledger()["accepted"] == []


@pytest.mark.parametrize("count", [2, 8])
def test_a_wrong_key_in_the_worker_stops_the_run_and_a_right_one_completes_it(archive, count):
    episodes = archive.put_episodes(count)
    wrong = archive.start_worker("wrong", slots=2, FAL_KEY=_WRONG_KEY)

    stopped = archive.run("backfill", archive.uri)
    end(wrong)
    archive.start_worker("right")
    again = archive.run("backfill", archive.uri)

    _says(stopped, 4, "401", "invalid key credentials", "FAL_KEY", "same command")
    assert again.returncode == 0, again.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert {row["state"] for row in archive.rows()} == {"done"}


def test_a_model_that_fal_does_not_have_stops_the_run_with_its_name(archive):
    archive.put_episodes(3)
    archive.start_worker()

    outcome = archive.run("backfill", archive.uri, "--model", "fal-ai/whisprr")

    _says(outcome, 2, "fal-ai/whisprr", "404", "--model")
    assert archive.ledger() == {"accepted": [], "bills": []}


def test_after_a_model_that_fal_does_not_have_the_right_one_does_the_work(archive):
    episodes = archive.put_episodes(3)
    archive.start_worker()
    archive.run("backfill", archive.uri, "--model", "fal-ai/whisprr")

    again = archive.run("backfill", archive.uri)

    assert again.returncode == 0, again.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def test_transcribe_with_a_model_that_fal_does_not_have(archive):
    (episode,) = archive.put_episodes(1)

    outcome = archive.run("transcribe", f"{archive.uri}{episode}", "--model", "fal-ai/whisprr")

    _says(outcome, 2, "fal-ai/whisprr", "404", "--model")


def test_transcribe_when_fal_is_away(archive):
    (port,) = free_ports(1)

    outcome = archive.run("transcribe", "https://a.test/b.mp3", NIGHTSCRIBE_FAL_QUEUE_URL=f"http://127.0.0.1:{port}")

    _says(outcome, 2, "fal-ai/whisper", "Nothing was sent", "fal.queue_url")


def test_transcribe_with_a_url_that_fal_cannot_open(archive):
    (port,) = free_ports(1)

    outcome = archive.run("transcribe", f"http://127.0.0.1:{port}/{archive.bucket}/episode.mp3")

    _says(outcome, 1, "file_download_error", "Failed to download", "URL")
    assert archive.ledger()["bills"] == []


# Objects


def test_a_recording_that_is_not_there(archive):
    archive.put_episodes(1)

    _says(archive.run("transcribe", f"{archive.uri}typo.mp3"), 2, f"{archive.uri}typo.mp3", "no object", "key")
    _says(archive.run("show", f"{archive.uri}typo.mp3"), 2, f"{archive.uri}typo.mp3", "no transcript", "backfill")
    assert archive.ledger()["accepted"] == []


def test_a_file_that_is_no_transcript_is_not_shown(archive):
    archive.put("a.mp3.transcript.json", b'{"text": "by someone else"}')

    _says(archive.run("show", f"{archive.uri}a.mp3"), 2, f"{archive.uri}a.mp3.transcript.json", "not a transcript")


def test_each_bad_recording_is_one_row_with_its_reason_and_is_not_billed(archive):
    whole = encode(samples("austen-2", 16_000), 16_000, Encoding.M4A, kbps=32)
    (good,) = archive.put_episodes(1)
    archive.put("bad/cut.m4a", whole[: len(whole) // 2])
    archive.put("bad/empty.mp3", b"")
    archive.put("bad/page.mp3", b"<!DOCTYPE html><html><body>404 not found</body></html>" * 50)
    archive.put("bad/noise.wav", bytes(range(256)) * 40)
    archive.start_worker()

    outcome = archive.run("backfill", archive.uri)

    assert outcome.returncode == 1, outcome.stderr
    assert "Traceback" not in outcome.stderr + archive.log()
    rows = {row["key"]: row for row in archive.rows()}
    assert rows.pop(good)["state"] == "done"
    assert archive.bills_per_key() == {good: 1}
    assert {row["state"] for row in rows.values()} == {"failed"}
    assert {key: row["reason"] for key, row in rows.items()} == {
        "bad/cut.m4a": "not_audio",
        "bad/empty.mp3": "empty_object",
        "bad/noise.wav": "not_audio",
        "bad/page.mp3": "not_audio",
    }
    for key, row in rows.items():
        assert row["permanent"] is True
        assert len(row["message"]) > len("not audio"), (key, row)
    assert "1 done, 4 failed" in outcome.stdout
