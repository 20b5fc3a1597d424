"""What people find missing or refusing: S3, Redis, workers, fal. Each says what to do, and nothing is lost or paid."""

from __future__ import annotations

import pytest
from archives import PATIENCE_S, end, eventually, nothing_was_begun, says

from emulator.stack.ports import free_ports
from emulator.stack.redis import RedisServer

pytestmark = [pytest.mark.e2e]

_WRONG_KEY = "11111111-2222-3333-4444-555555555555:0123456789abcdef0123456789abcdef"


# S3


def test_a_bucket_that_does_not_exist(archive):
    missing = f"{archive.bucket}-typo"

    for words in (["plan", f"s3://{missing}/"], ["backfill", f"s3://{missing}/"]):
        says(archive.run(*words), 2, missing, "no such bucket", "Check the name")
    nothing_was_begun(archive)


def test_a_bucket_for_results_that_does_not_exist(archive):
    archive.put_episodes(1)
    missing = f"{archive.bucket}-typo"

    says(archive.run("backfill", archive.uri, "--output", f"s3://{missing}/"), 2, missing, "no such bucket")
    nothing_was_begun(archive)


def test_a_name_that_no_bucket_can_have(archive):
    says(archive.run("plan", "s3://No Such Bucket!/"), 2, "No Such Bucket!")


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, ["SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"]),
        ({"AWS_ACCESS_KEY_ID": "unknown"}, ["InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"]),
        (
            {
                "AWS_ACCESS_KEY_ID": "",
                "AWS_SECRET_ACCESS_KEY": "",
                "AWS_EC2_METADATA_DISABLED": "true",
                "HOME": "/none",
            },
            ["credentials", "AWS_ACCESS_KEY_ID"],
        ),
    ],
    ids=["wrong secret", "unknown key id", "no credentials"],
)
def test_s3_refuses(archive, env, message):
    archive.put_episodes(1)

    says(archive.run("backfill", archive.uri, **env), 2, f"s3://{archive.bucket}/", *message)
    nothing_was_begun(archive)


def test_s3_is_away(archive):
    (port,) = free_ports(1)
    away = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "NIGHTSCRIBE_S3_MAX_ATTEMPTS": "2"}

    for words in (["plan", archive.uri], ["backfill", archive.uri], ["transcribe", f"{archive.uri}a.mp3"]):
        says(archive.run(*words, **away), 2, f"127.0.0.1:{port}", "did not answer", "AWS_ENDPOINT_URL")
    nothing_was_begun(archive)


@pytest.mark.parametrize("command", ["plan", "backfill"])
def test_a_prefix_without_anything(archive, command):
    archive.put_episodes(1)

    says(archive.run(command, f"{archive.uri}typo/"), 2, f"no audio under {archive.uri}typo/", "0 other", "prefix")
    nothing_was_begun(archive)


def test_a_prefix_without_audio(archive):
    archive.put("cover.jpg", b"x")
    archive.put("notes.txt", b"x")

    says(archive.run("backfill", archive.uri), 2, f"no audio under {archive.uri}", "2 other", "audio.extensions")
    nothing_was_begun(archive)


# Redis and workers


def test_redis_is_away(archive):
    archive.put_episodes(1)
    (port,) = free_ports(1)

    for words in (["status"], ["backfill", archive.uri]):
        outcome = archive.run(*words, REDIS_URL=f"redis://127.0.0.1:{port}/0")
        says(outcome, 2, f"127.0.0.1:{port}", "Redis", "REDIS_URL")
    nothing_was_begun(archive)


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

    alone = archive.run("backfill", archive.uri, NIGHTSCRIBE_RUN_WORKER_WAIT_S="3", NIGHTSCRIBE_RUN_WORKER_WARN_S="1")
    archive.start_worker()
    again = archive.run("backfill", archive.uri)

    says(alone, 2, "No worker", "make worker", "same command")
    assert again.returncode == 0, again.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert {row["state"] for row in archive.rows()} == {"done"}


def test_the_second_of_two_runs_over_an_archive_is_refused_and_the_first_is_not_disturbed(archive):
    episodes = archive.put_episodes(2)
    first = archive.start("backfill", archive.uri)
    eventually(lambda: archive.redis.llen(archive.queue) == 2, "the first run has sent its jobs")

    second = archive.run("backfill", archive.uri)
    archive.start_worker()

    says(second, 5, archive.uri, "alive", "Wait")
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

    says(outcome, code, *message)
    assert outcome.stdout == ""
    assert key == "" or key not in outcome.stderr


def test_a_wrong_key_is_found_out_before_anything_is_enqueued(archive):
    archive.put_episodes(3)

    outcome = archive.run("backfill", archive.uri, FAL_KEY=_WRONG_KEY)

    says(outcome, 4, "401", "invalid key credentials", "FAL_KEY", "same command")
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

    says(stopped, 4, "401", "invalid key credentials", "FAL_KEY", "same command")
    assert again.returncode == 0, again.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert {row["state"] for row in archive.rows()} == {"done"}


def test_a_model_that_fal_does_not_have_stops_the_run_with_its_name(archive):
    archive.put_episodes(3)
    archive.start_worker()

    outcome = archive.run("backfill", archive.uri, "--model", "fal-ai/whisprr")

    says(outcome, 2, "fal-ai/whisprr", "404", "--model")
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

    says(outcome, 2, "fal-ai/whisprr", "404", "--model")


def test_transcribe_when_fal_is_away(archive):
    (port,) = free_ports(1)

    outcome = archive.run("transcribe", "https://a.test/b.mp3", NIGHTSCRIBE_FAL_QUEUE_URL=f"http://127.0.0.1:{port}")

    says(outcome, 2, "fal-ai/whisper", "Nothing was sent", "fal.queue_url")


def test_transcribe_with_a_url_that_fal_cannot_open(archive):
    (port,) = free_ports(1)

    outcome = archive.run("transcribe", f"http://127.0.0.1:{port}/{archive.bucket}/episode.mp3")

    says(outcome, 2, "file_download_error", "Failed to download", "URL")
    assert archive.ledger()["bills"] == []
