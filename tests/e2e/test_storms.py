"""When fal refuses or the world shakes: the account locked in mid-run, 429 and 5xx storms, a limit changed live."""

from __future__ import annotations

import json
import urllib.request
from datetime import datetime, timedelta

import pytest
from archives import Archive, eventually, says

pytestmark = [pytest.mark.e2e]

ROUND_TRIP = timedelta(seconds=1)  # from worker to emulator and back, on a machine that is busy with other tests
LOCKED = {"status": 403, "body": {"detail": "User is locked. Reason: Exhausted balance."}}


@pytest.mark.parametrize("status", [401, 402, 403])
def test_an_account_refused_in_mid_run_stops_all_workers_at_once_and_is_resumable(archive, status):
    """After the first refusal was answered, each worker makes one more request at most, whatever it waits for."""
    episodes = archive.put_episodes(30)
    archive.fault({"on": "process", "do": {"delay_s": 1.0}})
    for name in ("w1", "w2"):
        archive.start_worker(name, slots=16)
    command = archive.start("backfill", archive.uri)
    eventually(lambda: len(archive.ledger()["bills"]) >= 3, "the run is on its way")
    forget_refusals(archive)
    refusal = LOCKED | {"status": status}
    # Every call of this archive is refused from now on, submissions and looks alike.
    archive.fault(*({"on": stage, "do": refusal} for stage in ("submit", "status", "result", "history")))

    assert command.wait(90) == 4, archive.log("command.log")

    said = archive.log("command.log")
    assert "fal refuses the account" in said
    assert f"HTTP {status}" in said
    refusals = [line for line in whole_ledger(archive)["refusals"] if archive.bucket in line["audio_path"]]
    assert 1 <= len(refusals) <= 2 + in_flight_at_once(refusals)
    archive.fault()
    again = archive.run("backfill", archive.uri)
    assert again.returncode == 0, again.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)


def in_flight_at_once(refusals) -> int:
    """Calls that were on the wire when the first refusal was answered: within the time of one slow round trip."""
    first, *later = (datetime.fromisoformat(line["at"]) for line in refusals)
    return sum(at - first < ROUND_TRIP for at in later)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "headers": {"Retry-After": "1"}, "body": {"detail": "slow down"}},
        {"status": 503, "headers": {"X-Fal-Error-Type": "runner_scheduling_failure"}, "body": {"detail": "no runner"}},
    ],
    ids=["429", "503"],
)
def test_a_storm_of_refusals_is_met_with_patience_and_ends_well(archive, fault):
    """Half of the submissions are refused: the permits shrink, nobody hammers, and nothing fails."""
    episodes = archive.put_episodes(12)
    archive.fault({"on": "submit", "share": 0.5, "times": 20, "do": fault})
    archive.start_worker(slots=12, NIGHTSCRIBE_RETRY_BASE_S="0.5")

    outcome = archive.run("backfill", archive.uri)

    assert outcome.returncode == 0, outcome.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert len(archive.ledger()["accepted"]) == 12


def test_the_limit_is_changed_while_a_run_goes_on(archive):
    archive.put_episodes(16)
    archive.fault({"on": "process", "do": {"delay_s": 0.5}})
    says_so = archive.run("limit", "1")
    archive.start_worker(slots=8)
    command = archive.start("backfill", archive.uri)
    permits = f"{archive.bucket}:local:permits"
    eventually(lambda: len(archive.ledger()["bills"]) >= 2, "some are done")
    assert archive.redis.zcard(permits) <= 1

    archive.run("limit", "4")

    eventually(lambda: archive.redis.zcard(permits) == 4, "four at once")
    assert command.wait(90) == 0, archive.log("command.log")
    assert says_so.returncode == 0, says_so.stderr


def whole_ledger(archive: Archive) -> dict:
    with urllib.request.urlopen(f"{archive.servers.fal_url}/emulator/ledger") as answer:  # noqa: S310  loopback
        return json.load(answer)


def forget_refusals(archive: Archive) -> None:
    url = f"{archive.servers.fal_url}/emulator/refusals"
    urllib.request.urlopen(urllib.request.Request(url, method="DELETE")).close()  # noqa: S310  loopback


def test_a_key_that_may_not_read_the_history_leaves_lost_replies_to_a_person(archive):
    (key,) = archive.put_episodes(1)
    archive.fault(
        {"on": "submit", "times": 1, "do": "lose_reply"},
        {"on": "history", "do": {"status": 403, "body": {"detail": "admin only"}}},
    )
    archive.start_worker(NIGHTSCRIBE_FAL_SUBMIT_TIMEOUT_S="2")

    first = archive.run("backfill", archive.uri)
    second = archive.run("retry-failed", archive.uri)
    agreed = archive.run("retry-failed", archive.uri, "--allow-rebill")

    assert (first.returncode, second.returncode) == (1, 1), first.stderr
    assert agreed.returncode == 0, agreed.stderr
    assert archive.bills_per_key() == {key: 2}
    assert archive.sidecar(key)["attempts"] == 2


def test_a_wrong_limit_is_refused(archive):
    says(archive.run("limit", "0"), 2, "0")
