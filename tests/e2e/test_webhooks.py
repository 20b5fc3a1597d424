"""Webhooks from outside: emulator, receiver and worker as processes; few looks, lost replies found, lies refused."""

from __future__ import annotations

import json
import sys
import urllib.request

import pytest
from archives import Archive, end, eventually, says

from emulator.stack.ports import free_ports

pytestmark = [pytest.mark.e2e]

NEVER_S = "600"
"""Between polls: whoever needs one would make the test fail by its patience."""


@pytest.fixture
def called(archive):
    """An archive with a receiver beside it, which the emulator reaches."""
    (port,) = free_ports(1)
    base = f"http://127.0.0.1:{port}"
    archive.environment |= {
        "NIGHTSCRIBE_FAL_WEBHOOK_URL": f"{base}/night",
        "NIGHTSCRIBE_FAL_JWKS_URL": f"{archive.servers.fal_url}/.well-known/jwks.json",
        "NIGHTSCRIBE_POLLING_WEBHOOK_MAX_S": NEVER_S,
    }
    without_key = {"FAL_KEY": "", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    archive._spawn([sys.executable, "-m", "pipeline", "webhook", "--port", str(port)], "webhook.log", without_key)
    eventually(lambda: is_healthy(base), "the receiver is healthy")
    return archive


def is_healthy(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/healthz") as answer:  # noqa: S310  loopback
            return answer.status == 200
    except OSError:
        return False


def refusals(archive: Archive) -> set[str]:
    """Why the receiver has refused messages."""
    lines = [json.loads(line) for line in archive.log("webhook.log").splitlines() if line.startswith("{")]
    return {line["reason"] for line in lines if line["event"] == "webhook_refused"}


def events(archive: Archive) -> list[str]:
    lines = [json.loads(line) for line in archive.log("webhook.log").splitlines() if line.startswith("{")]
    return [line["event"] for line in lines]


def looks(archive: Archive) -> int:
    """How often the status of this archive's requests was asked for, since `COUNTED` was set."""
    with urllib.request.urlopen(f"{archive.servers.fal_url}/emulator/faults") as answer:  # noqa: S310  loopback
        return sum(each["matched"] for each in json.load(answer) if each["rule"]["on"] == "status")


def counted() -> dict:
    """A rule that never fires, and counts."""
    return {"on": "status", "skip": 10**9, "do": {"delay_s": 0.0}}


def stories(archive: Archive, keys: list[str]) -> list[list[str]]:
    return [[line["what"] for line in archive.sidecar(key)["story"]] for key in keys]


def test_each_job_is_looked_at_once_where_polling_looks_again_and_again(called):
    episodes = called.put_episodes(6)
    slow = {"on": "process", "do": {"delay_s": 2.0}}
    called.start_worker()
    called.fault(slow, counted())
    told = called.run("backfill", called.uri, "--wait", "webhook")
    told_looks = looks(called)
    called.fault(slow, counted())
    polled = called.run("backfill", called.uri, "--force")

    assert (told.returncode, polled.returncode) == (0, 0), told.stderr + polled.stderr
    assert told_looks <= 1.5 * len(episodes)
    assert looks(called) >= 2 * told_looks
    assert called.bills_per_key() == dict.fromkeys(episodes, 2)
    assert refusals(called) == set()


@pytest.mark.parametrize("option", [[], ["--no-store-io"]], ids=["history away", "nothing stored"])
def test_a_lost_reply_is_found_by_its_webhook_without_any_history(called, option):
    episodes = called.put_episodes(2)
    called.environment["NIGHTSCRIBE_FAL_PLATFORM_URL"] = ""
    called.fault({"on": "submit", "times": 2, "do": "lose_reply"})
    called.start_worker(NIGHTSCRIBE_FAL_SUBMIT_TIMEOUT_S="2")

    outcome = called.run("backfill", called.uri, "--wait", "webhook", *option)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert called.bills_per_key() == dict.fromkeys(episodes, 1)
    assert all("adopted" in story for story in stories(called, episodes))


def test_bad_messages_are_refused_and_good_ones_count_whenever_they_come(called):
    """One kind for each episode, all in one run; what was refused is noticed by a poll, at the latest."""
    deeds = [
        {"repeat": 2},
        {"hold_s": 6.0},
        {"forge": True},
        {"unsigned": True},
        {"age_s": 400},
        {"cut_json": True},
        {"truncate_body": True},
        {"stray": True},
        {"payload_error": True},
    ]
    episodes = called.put_episodes(len(deeds) + 1)
    rules = [{"on": "webhook", "key": key, "do": deed} for key, deed in zip(episodes, deeds, strict=False)]
    # The last one's comes before the reply to its submission.
    called.fault(*rules, {"on": "submit", "key": episodes[-1], "do": {"delay_s": 1.5}})
    called.start_worker(slots=12, NIGHTSCRIBE_POLLING_WEBHOOK_MAX_S="3")

    outcome = called.run("backfill", called.uri, "--wait", "webhook")

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert called.bills_per_key() == dict.fromkeys(episodes, 1)
    expected = {"forged", "unsigned", "stale", "cut_short"}
    eventually(lambda: refusals(called) >= expected, f"refused: {expected}")
    eventually(lambda: events(called).count("webhook_repeated") >= 2, "two repeats")
    assert refusals(called) == expected
    assert "Traceback" not in called.log("webhook.log") + called.log()


def test_an_archive_whose_webhooks_are_all_dropped_is_transcribed_all_the_same(called):
    episodes = called.put_episodes(4)
    called.fault({"on": "webhook", "do": "drop"})
    called.start_worker(NIGHTSCRIBE_POLLING_WEBHOOK_MAX_S="1")

    outcome = called.run("backfill", called.uri, "--wait", "webhook")

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert called.bills_per_key() == dict.fromkeys(episodes, 1)
    assert events(called) == ["receiver_started"]


def test_redis_may_forget_every_notice_in_mid_run(called):
    """The wait is then ended by a poll, and nothing is paid again."""
    episodes = called.put_episodes(4)
    called.fault({"on": "process", "do": {"delay_s": 2.0}})
    called.start_worker(NIGHTSCRIBE_POLLING_WEBHOOK_MAX_S="2")
    command = called.start("backfill", called.uri, "--wait", "webhook")
    eventually(lambda: "webhook_noted" in events(called), "a first webhook has come")

    for key in called.redis.scan_iter(f"{called.bucket}:*"):
        called.redis.delete(key)

    assert command.wait(90) == 0, called.log("command.log")
    assert called.bills_per_key() == dict.fromkeys(episodes, 1)


def test_neither_token_nor_signature_is_in_any_log_or_file(called):
    (key,) = called.put_episodes(1)
    called.environment["NIGHTSCRIBE_LOGS_LEVEL"] = "DEBUG"
    called.start_worker()

    outcome = called.run("backfill", called.uri, "--wait", "webhook")

    assert outcome.returncode == 0, outcome.stderr
    told = called.log("webhook.log") + called.log() + outcome.stdout + outcome.stderr
    job_id = called.rows()[0]["job_id"]
    assert "webhook_noted" in told
    assert f"{job_id}." not in told + json.dumps(called.sidecar(key))


def test_a_run_without_an_address_to_call_is_refused_at_its_start(archive):
    archive.put_episodes(1)

    says(archive.run("backfill", archive.uri, "--wait", "webhook"), 2, "fal.webhook_url", "--wait poll")
    assert archive.keys("_nightscribe/") == []


def test_an_address_that_fal_cannot_call_is_refused_at_the_start_of_a_run(archive):
    archive.put_episodes(1)
    real = {"NIGHTSCRIBE_FAL_QUEUE_URL": "https://queue.fal.run", "NIGHTSCRIBE_FAL_PLATFORM_URL": ""}
    for url in ("http://hooks.example.org/night", "https://10.0.0.7/night", "https://localhost/night"):
        outcome = archive.run("backfill", archive.uri, "--wait", "webhook", NIGHTSCRIBE_FAL_WEBHOOK_URL=url, **real)

        says(outcome, 2, url, "https")


def test_the_receiver_ends_in_order_when_it_is_told_to(called):
    (receiver,) = called.processes

    assert end(receiver) == 0, called.log("webhook.log")
    assert events(called) == ["receiver_started", "receiver_stopped"]


def test_a_port_that_is_taken_is_said(called):
    port = called.environment["NIGHTSCRIBE_FAL_WEBHOOK_URL"].rpartition(":")[2].partition("/")[0]

    says(called.run("webhook", "--port", port), 2, "127.0.0.1", port, "--port")
