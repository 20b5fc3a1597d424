"""What people get wrong: words, settings and recordings. Each mistake ends with its exit code and one clear message."""

from __future__ import annotations

import pytest
from archives import PATIENCE_S, says

from emulator.archive.clips import samples
from emulator.archive.encoding import Encoding, encode

pytestmark = [pytest.mark.e2e]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["backfill", "podcasts"], ["'podcasts'", "s3://BUCKET/PREFIX"]),
        (["backfill", "https://host/podcasts"], ["'https://host/podcasts'", "s3://BUCKET/PREFIX"]),
        (["plan", "s3://"], ["names no bucket", "s3://BUCKET/PREFIX"]),
        (["backfill", "s3://b/", "--output", "results"], ["--output", "'results'", "s3://BUCKET/PREFIX"]),
        (["backfill", "s3://b/", "--model", "whisper"], ["'whisper'", "owner/app", "fal-ai/whisper", "--model"]),
        (["backfill", "s3://b/", "--model", "fal-ai/../x"], ["'fal-ai/../x'", "--model"]),
        (["backfill", "s3://b/", "--language", "klingon"], ["'klingon'", "nightscribe models fal-ai/whisper"]),
        (["backfill", "s3://b/", "--language", "de-DE"], ["'de-DE'", "Did you mean de"]),
        (["backfill", "s3://b/", "--arg", "batch_size"], ["'batch_size'", "KEY=VALUE", "--arg"]),
        (["backfill", "s3://b/", "--arg", "batchsize=8"], ["fal-ai/whisper", "'batchsize'", "Did you mean batch_size"]),
        (["backfill", "s3://b/", "--arg", "batch_size=many"], ["fal-ai/whisper", "batch_size", "--arg"]),
        (["backfill", "s3://b/", "--arg", "audio_url=x"], ["audio_url", "--arg", "Leave it out"]),
        (["backfill", "s3://b/", "--formats", "vtt,pdf"], ["--formats", "'pdf'", "srt, txt, vtt"]),
        (["backfill", "s3://b/", "--limit", "-1"], ["--limit", "-1"]),
        (["backfill"], ["s3://BUCKET/PREFIX"]),
        (["backfil", "s3://b/"], ["backfil"]),
        (["transcribe", "shows/episode.mp3"], ["'shows/episode.mp3'", "local file", "S3"]),
        (["transcribe", "file:///episode.mp3"], ["'file:///episode.mp3'", "http", "s3://BUCKET/KEY"]),
        (["show", "episode.mp3"], ["'episode.mp3'", "s3://BUCKET"]),
        (["metrics", "--host", "a..b"], ["Cannot listen on a..b", "--host"]),
        (["webhook", "--host", "a..b"], ["Cannot listen on a..b", "--host"]),
    ],
    ids=" ".join,
)
def test_a_mistyped_command_names_the_word_and_what_it_may_be(archive, words, message):
    says(archive.run(*words), 2, *message)


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
        ("REDIS_URL", "redis://:swordfish@a..b/0", ["redis.url", "a..b:6379"]),
        ("AWS_ENDPOINT_URL", "localhost:8333", ["AWS_ENDPOINT_URL"]),
    ],
)
def test_a_wrong_variable_is_named_with_what_it_may_be(archive, variable, value, message):
    # S3 comes into `plan`, Redis into `status`; both read all settings.
    words = ["status"] if variable == "REDIS_URL" else ["plan", archive.uri]

    says(archive.run(*words, **{variable: value}), 2, *message)


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

    says(archive.run("config", "show", NIGHTSCRIBE_CONFIG=str(path)), 2, str(path), *message)


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


def test_a_recording_that_is_not_there(archive):
    archive.put_episodes(1)

    says(archive.run("transcribe", f"{archive.uri}typo.mp3"), 2, f"{archive.uri}typo.mp3", "no object", "key")
    says(archive.run("show", f"{archive.uri}typo.mp3"), 2, f"{archive.uri}typo.mp3", "no transcript", "backfill")
    assert archive.ledger()["accepted"] == []


def test_a_file_that_is_no_transcript_is_not_shown(archive):
    archive.put("a.mp3.transcript.json", b'{"text": "by someone else"}')

    says(archive.run("show", f"{archive.uri}a.mp3"), 2, f"{archive.uri}a.mp3.transcript.json", "not a transcript")


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
        assert f"{archive.uri}{key}" in row["message"]
        assert "nothing was paid" in row["message"]
    assert "1 done, 4 failed" in outcome.stdout
