"""The main job from outside: enumeration to manifest, a killed worker, an interrupted run, results elsewhere."""

from __future__ import annotations

import signal

import pytest
from archives import Archive, end, eventually

pytestmark = [pytest.mark.e2e]


def test_an_archive_becomes_sidecars_and_a_manifest_and_the_second_run_pays_nothing(archive):
    episodes = archive.put_episodes(12)
    archive.put("bad/empty.mp3", b"")
    archive.put("bad/page.mp3", b"<!DOCTYPE html><html>not found</html>" * 30)
    archive.put("cover.jpg", b"not audio")
    archive.start_worker()

    first = archive.run("backfill", archive.uri, "--formats", "vtt,srt,txt")

    assert first.returncode == 1, first.stderr
    rows = {row["key"]: row for row in archive.rows()}
    assert list(rows) == sorted([*episodes, "bad/empty.mp3", "bad/page.mp3"], key=str.encode)
    assert {rows[key]["state"] for key in episodes} == {"done"}
    assert (rows["bad/empty.mp3"]["state"], rows["bad/empty.mp3"]["reason"]) == ("failed", "empty_object")
    assert (rows["bad/page.mp3"]["state"], rows["bad/page.mp3"]["reason"]) == ("failed", "not_audio")
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    for key in episodes:
        assert archive.sidecar(key)["request"]["request_id"] == rows[key]["request_id"]
        assert archive.read(f"{key}.vtt").startswith(b"WEBVTT")
    assert archive.manifest()["totals"]["by_state"] == {"done": 12, "failed": 2}
    assert [intent["state"] for intent in archive.intents()] == []

    second = archive.run("backfill", archive.uri)

    assert second.returncode == 0, second.stderr
    assert "14 skipped" in second.stdout
    assert len(archive.ledger()["accepted"]) == 12
    assert {row["key"]: row["state"] for row in archive.rows()} == {key: row["state"] for key, row in rows.items()}


def test_only_what_is_new_or_changed_is_transcribed_the_next_night(archive):
    episodes = archive.put_episodes(4)
    archive.start_worker()
    archive.run("backfill", archive.uri)
    archive.put("new.mp3", archive.read(episodes[0]) + b"\0")
    archive.put(episodes[1], archive.read(episodes[1]) + b"\0")

    outcome = archive.run("backfill", archive.uri)

    assert outcome.returncode == 0, outcome.stderr
    assert archive.bills_per_key() == {episodes[0]: 1, episodes[1]: 2, episodes[2]: 1, episodes[3]: 1, "new.mp3": 1}
    assert archive.sidecar(episodes[1])["object"]["size_bytes"] == len(archive.read(episodes[1]))


def test_a_worker_killed_while_fal_works_is_resumed_and_nothing_is_billed_twice(archive):
    """kill -9 with requests in flight: the next worker goes on with the same request ids."""
    episodes = archive.put_episodes(8)
    archive.fault({"on": "process", "do": {"delay_s": 4.0}})
    doomed = archive.start_worker("doomed", slots=8)
    command = archive.start("backfill", archive.uri)
    # Every request that was accepted is also written down: the kill lands while fal works, not in mid-POST.
    eventually(lambda: _submitted(archive) >= 4 and _submitted(archive) == len(archive.intents()), "four in flight")
    before = {intent["request"]["request_id"] for intent in archive.intents()}
    doomed.kill()
    doomed.wait()
    archive.fault()

    archive.start_worker("second", slots=8)

    assert command.wait(90) == 0, archive.log("command.log")
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert len(archive.ledger()["accepted"]) == 8
    assert before <= {row["request_id"] for row in archive.rows()}
    assert "job_resumed" in archive.log("worker-second.log")


def test_a_worker_told_to_stop_hands_its_jobs_over(archive):
    """SIGTERM with requests in flight: messages go back, the other worker resumes them."""
    episodes = archive.put_episodes(6)
    archive.fault({"on": "process", "do": {"delay_s": 3.0}})
    first = archive.start_worker("first", slots=6)
    command = archive.start("backfill", archive.uri)
    eventually(lambda: _submitted(archive) >= 4, "requests in flight")

    code = end(first)
    archive.start_worker("second", slots=6)

    assert code == 0
    assert "job_handed_over" in archive.log("worker-first.log")
    assert command.wait(90) == 0, archive.log("command.log")
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def test_ctrl_c_leaves_everything_resumable_and_says_how(archive):
    episodes = archive.put_episodes(8)
    archive.fault({"on": "process", "do": {"delay_s": 2.0}})
    archive.start_worker(slots=4)
    command = archive.start("backfill", archive.uri)
    eventually(lambda: _submitted(archive) >= 2, "requests in flight")

    code = end(command, signal.SIGINT)
    again = archive.run("backfill", archive.uri)

    assert code == 130
    assert f"nightscribe backfill {archive.uri}" in archive.log("command.log")
    assert again.returncode == 0, again.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert {row["state"] for row in archive.rows()} == {"done"}


def test_messages_that_were_lost_are_sent_again(archive):
    """The broker may lose a message when a worker is killed; here it loses all of them."""
    episodes = archive.put_episodes(5)
    command = archive.start("backfill", archive.uri)
    eventually(lambda: archive.redis.llen(archive.queue) == 5, "all messages in the queue")
    archive.redis.delete(archive.queue)

    archive.start_worker()

    assert command.wait(90) == 0, archive.log("command.log")
    # Whoever looks first sends them: the dispatcher or the worker's heartbeat.
    assert "were sent again" in archive.log("command.log") or "jobs_sent_again" in archive.log("worker-w1.log")
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def test_the_queue_is_never_fuller_than_its_high_water_mark(archive):
    archive.put_episodes(30)
    deepest = 0
    command = archive.start(
        "backfill",
        archive.uri,
        NIGHTSCRIBE_QUEUE_HIGH_WATER="10",
        NIGHTSCRIBE_QUEUE_LOW_WATER="4",
        NIGHTSCRIBE_QUEUE_BATCH_SIZE="3",
    )
    eventually(lambda: archive.redis.llen(archive.queue) > 6, "the queue fills")
    archive.start_worker(slots=4)
    while command.poll() is None:
        deepest = max(deepest, archive.redis.llen(archive.queue))

    assert command.returncode == 0, archive.log("command.log")
    assert 6 < deepest <= 10
    assert len(archive.bills_per_key()) == 30


def test_never_more_requests_in_flight_than_permits_with_two_workers(archive):
    """As fal sees it; Redis counts a request and its permit both while one becomes the other."""
    archive.put_episodes(20)
    eventually(lambda: archive.in_flight() == 0, "nothing of an earlier test is in flight")
    for name in ("w1", "w2"):
        archive.start_worker(name, slots=16, NIGHTSCRIBE_LIMITS_CONCURRENCY="2", NIGHTSCRIBE_LIMITS_OVERCOMMIT="1.5")
    eventually(lambda: archive.redis.scard(f"{archive.bucket}:workers") == 2, "both workers are there")
    command = archive.start("backfill", archive.uri)
    most = 0
    while command.poll() is None:
        most = max(most, archive.in_flight())

    assert command.returncode == 0, archive.log("command.log")
    assert most == 3
    assert all("sidecar_written" in archive.log(f"worker-{name}.log") for name in ("w1", "w2"))


def test_failed_objects_are_tried_again_only_when_asked(archive):
    good, bad = archive.put_episodes(2)
    archive.fault(
        {
            "on": "process",
            "key": bad,
            "do": {"fail": {"status": 422, "detail": [{"type": "audio_duration_too_long", "msg": "no", "loc": []}]}},
        }
    )
    archive.start_worker()
    first = archive.run("backfill", archive.uri)
    archive.fault()

    second = archive.run("backfill", archive.uri)
    third = archive.run("retry-failed", archive.uri)

    assert [run.returncode for run in (first, second, third)] == [1, 0, 0], third.stderr
    assert len(archive.ledger()["accepted"]) == 3
    rows = {row["key"]: row for row in archive.rows()}
    assert (rows[bad]["state"], rows[bad]["attempts"], rows[good]["attempts"]) == ("done", 2, 1)


def test_an_expired_result_is_paid_for_again_only_when_a_person_agrees(archive):
    (episode,) = archive.put_episodes(1)
    archive.fault({"on": "result", "do": {"status": 404}})
    archive.start_worker(NIGHTSCRIBE_FAL_PLATFORM_URL="")  # and no history to fall back on
    first = archive.run("backfill", archive.uri)
    (row,) = archive.rows()
    archive.fault()

    refused = archive.run("retry-failed", archive.uri)
    requests = len(archive.ledger()["accepted"])
    agreed = archive.run("retry-failed", archive.uri, "--allow-rebill")

    assert (first.returncode, row["state"], row["reason"]) == (1, "failed", "result_expired"), first.stderr
    assert (refused.returncode, requests) == (0, 1), refused.stderr
    assert "nightscribe retry-failed --allow-rebill" in refused.stderr
    assert agreed.returncode == 0, agreed.stderr
    assert archive.bills_per_key() == {episode: 2}
    assert [row["state"] for row in archive.rows()] == ["done"]


def test_a_lost_reply_is_found_again_in_fals_history(archive):
    episodes = archive.put_episodes(2)
    archive.fault({"on": "submit", "times": 1, "do": "lose_reply"})
    archive.start_worker()

    outcome = archive.run("backfill", archive.uri)

    assert outcome.returncode == 0, outcome.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert len(archive.ledger()["accepted"]) == 2


def test_what_cannot_be_known_is_uncertain_until_the_history_can_be_asked(archive):
    episodes = archive.put_episodes(2)
    archive.fault({"on": "submit", "times": 1, "do": "lose_reply"})
    blind = archive.start_worker("blind", NIGHTSCRIBE_FAL_PLATFORM_URL="", NIGHTSCRIBE_FAL_SUBMIT_TIMEOUT_S="2")
    first = archive.run("backfill", archive.uri)
    states = sorted(row["state"] for row in archive.rows())
    said = archive.run("status", archive.uri).stdout
    end(blind)
    archive.start_worker("seeing")

    second = archive.run("backfill", archive.uri)

    assert (first.returncode, states) == (1, ["done", "uncertain"]), first.stderr
    assert "uncertain 1 objects" in said
    assert second.returncode == 0, second.stderr
    assert {row["state"] for row in archive.rows()} == {"done"}
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert len(archive.ledger()["accepted"]) == 2


def test_results_can_go_to_another_bucket(archive):
    episodes = archive.put_episodes(3)
    archive.start_worker()
    other = f"{archive.bucket}-results"
    archive.client.create_bucket(Bucket=other)

    runs = [archive.run("backfill", archive.uri, "--output", f"s3://{other}/texts/") for _ in range(2)]

    assert [run.returncode for run in runs] == [0, 0], runs[0].stderr
    assert set(archive.keys()) == set(episodes)
    written = archive.client.list_objects_v2(Bucket=other)["Contents"]
    assert {f"texts/{key}.transcript.json" for key in episodes} <= {entry["Key"] for entry in written}
    assert len(archive.ledger()["accepted"]) == 3


def test_limit_include_and_exclude_choose_what_is_done_and_the_rest_stays_in_the_manifest(archive):
    archive.put_episodes(6)
    archive.put("drafts/x.mp3", archive.read(archive.keys()[0]))
    archive.start_worker()

    outcome = archive.run("backfill", archive.uri, "--exclude", "drafts/*", "--limit", "2")

    assert outcome.returncode == 0, outcome.stderr
    states = sorted(row["state"] for row in archive.rows())
    assert states == ["done", "done", "pending", "pending", "pending", "pending", "skipped"]
    assert archive.manifest()["complete"] is False


def test_wizper_is_told_to_detect_the_language(archive):
    """fal's own default for wizper is English, which would mistranscribe everything else."""
    (key,) = archive.put_episodes(1)
    archive.start_worker()

    outcome = archive.run("backfill", archive.uri, "--model", "fal-ai/wizper")

    assert outcome.returncode == 0, outcome.stderr
    sidecar = archive.sidecar(key)
    assert sidecar["recipe"]["endpoint_id"] == "fal-ai/wizper"
    assert sidecar["recipe"]["arguments"]["language"] is None


def test_another_model_redoes_nothing_unless_asked(archive):
    (key,) = archive.put_episodes(1)
    archive.start_worker()
    archive.run("backfill", archive.uri)

    kept = archive.run("backfill", archive.uri, "--model", "fal-ai/wizper")
    redone = archive.run("backfill", archive.uri, "--model", "fal-ai/wizper", "--upgrade")

    assert (kept.returncode, redone.returncode) == (0, 0), redone.stderr
    assert archive.bills_per_key() == {key: 2}
    assert archive.sidecar(key)["recipe"]["endpoint_id"] == "fal-ai/wizper"


def _submitted(archive: Archive) -> int:
    return sum(intent["state"] == "submitted" for intent in archive.intents())
