"""A ceiling from outside: it is not crossed, the run says how to go on, and a higher one goes on without redoing."""

from __future__ import annotations

import json
import shlex
import signal

import pytest
from archives import eventually, nothing_was_begun, says

pytestmark = [pytest.mark.e2e]

EACH_S = 2.990938  # one of the small recordings
EACH_USD = EACH_S / 3600 * 0.07  # by the local profile's price


def usd_for(count):
    """A ceiling under which that many fit, and not one more."""
    return f"{(count + 0.5) * EACH_USD:.6f}"


def accepted(archive):
    """How many requests fal has accepted, billed or not yet: each may cost."""
    return len(archive.ledger()["accepted"])


def with_cover(mp3):
    """The recording behind a picture that is larger than what the preflight may read (ID3v2.4, section 4.14)."""

    def in_seven_bits(number):
        return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))

    picture = b"\0image/jpeg\0\3\0" + bytes(200_000)
    frame = b"APIC" + in_seven_bits(len(picture)) + b"\0\0" + picture
    return b"ID3\4\0\0" + in_seven_bits(len(frame)) + frame + mp3


def test_a_run_stops_at_its_ceiling_and_a_higher_one_goes_on(archive):
    episodes = archive.put_episodes(12)
    for name in ("w1", "w2"):
        archive.start_worker(name)

    first = archive.run("backfill", archive.uri, "--max-cost", usd_for(5))

    says(first, 3, "ceiling", "5 objects were transcribed", "7 are left", "To go on: nightscribe backfill")
    assert accepted(archive) == 5
    assert sorted(archive.bills_per_key().values()) == [1] * 5
    assert archive.keys("_nightscribe/latest.json") == []

    command = shlex.split(first.stderr.rpartition("To go on: nightscribe ")[2])
    second = archive.run(*command)

    assert float(command[-1]) > 11 * EACH_USD
    assert second.returncode == 0, second.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert archive.manifest()["this_run"]["objects"] == 12
    assert archive.intents() == []
    assert archive.keys("_nightscribe/open.json") == []
    assert archive.redis.keys(f"{archive.bucket}:*budget*") == []


def test_the_ceiling_counts_what_the_run_has_spent_before_it_was_interrupted(archive):
    """Ctrl-C, then the same command: it is one run, and one ceiling."""
    archive.put_episodes(12)
    archive.start_worker(slots=2)
    options = ["backfill", archive.uri, "--max-cost", usd_for(6)]
    command = archive.start(*options)
    eventually(lambda: len(archive.ledger()["bills"]) >= 2, "something is spent")
    command.send_signal(signal.SIGINT)
    assert command.wait(60) == 130

    again = archive.run(*options)

    says(again, 3, "6 objects were transcribed")
    assert accepted(archive) == 6
    assert max(archive.bills_per_key().values()) == 1


def test_a_ceiling_on_a_run_that_began_without_one_waits_for_its_jobs_and_counts_them(archive):
    """Workers that hold a job from before would not ask for the budget; here they come once that is refused."""
    archive.put_episodes(12)
    few_at_once = {"NIGHTSCRIBE_QUEUE_HIGH_WATER": "4", "NIGHTSCRIBE_QUEUE_LOW_WATER": "2"}
    command = archive.start(
        "backfill", archive.uri, NIGHTSCRIBE_QUEUE_BATCH_SIZE="2", NIGHTSCRIBE_RUN_DISPATCHER_LEASE_S="1", **few_at_once
    )
    eventually(lambda: archive.redis.llen(archive.queue) == 4, "jobs without a ceiling")
    command.kill()
    command.wait()
    dead = f"{archive.bucket}:archive:*:dispatcher"
    eventually(lambda: not archive.redis.keys(dead), "the dead dispatcher is known to be dead")
    bounded = ["backfill", archive.uri, "--max-cost", usd_for(8)]

    early = archive.run(*bounded)
    archive.start_worker()
    (run,) = json.loads(archive.run("status", "--json").stdout)["runs"]
    jobs = f"{archive.bucket}:run:{run['run_id']}:jobs"
    eventually(lambda: not archive.redis.hlen(jobs), "the jobs from before are done")
    later = archive.run(*bounded)

    says(early, 2, "began without a ceiling")
    says(later, 3, "8 objects were transcribed in this run, 4 are left")
    assert accepted(archive) == 8
    assert max(archive.bills_per_key().values()) == 1


def test_a_run_that_has_reached_its_ceiling_may_go_on_without_one(archive):
    episodes = archive.put_episodes(8)
    archive.start_worker()
    first = archive.run("backfill", archive.uri, "--max-cost", usd_for(3))
    run_id = json.loads(archive.read("_nightscribe/open.json"))["run_id"]

    second = archive.run("backfill", archive.uri)

    assert (first.returncode, second.returncode) == (3, 0), second.stderr
    assert archive.bills_per_key() == dict.fromkeys(episodes, 1)
    assert archive.manifest()["run_id"] == run_id
    assert "ceiling" not in second.stderr


def test_hours_of_audio_need_no_price(archive):
    archive.put_episodes(8)
    archive.start_worker()
    hours = f"{3.5 * EACH_S / 3600:.6f}"

    outcome = archive.run("backfill", archive.uri, "--max-audio-hours", hours, NIGHTSCRIBE_PROFILE="default")

    says(outcome, 3, "3 objects were transcribed", f"of {hours} h spent", "--max-audio-hours")
    assert accepted(archive) == 3


def test_a_cost_that_cannot_be_known_is_refused_before_anything_begins(archive):
    archive.put_episodes(1)

    outcome = archive.run("backfill", archive.uri, "--model", "some/other/model", "--max-cost", "5")

    says(outcome, 2, "some/other/model", '[prices."some/other/model"]', "--max-audio-hours")
    nothing_was_begun(archive)


def test_an_object_of_unknown_length_is_left_and_named(archive):
    """What it will cost cannot be reserved. Without a ceiling it is transcribed."""
    (episode,) = archive.put_episodes(1)
    archive.start_worker(NIGHTSCRIBE_AUDIO_PROBE_BUDGET_BYTES="65536")
    archive.put("behind a cover.mp3", with_cover(archive.read(episode)))

    bounded = archive.run("backfill", archive.uri, "--max-cost", "1")
    rows = {row["key"]: (row["state"], row["reason"]) for row in archive.rows()}
    requests = accepted(archive)
    free = archive.run("backfill", archive.uri)

    assert bounded.returncode == 0, bounded.stderr
    assert "1 objects were not submitted" in bounded.stderr
    assert rows == {episode: ("done", None), "behind a cover.mp3": ("pending", "duration_unknown")}
    assert requests == 1
    assert free.returncode == 0, free.stderr
    assert {row["state"] for row in archive.rows()} == {"done"}


@pytest.mark.parametrize("amount", ["0", "-1", "nan", "inf", "much"])
def test_a_ceiling_is_a_number_above_zero(archive, amount):
    outcome = archive.run("backfill", archive.uri, "--max-cost", amount)

    assert outcome.returncode == 2
    assert "--max-cost" in outcome.stderr


def test_what_a_run_has_spent_is_known_after_redis_was_wiped(archive):
    """The budget is added up again from S3, while the run goes on."""
    archive.put_episodes(12)
    archive.fault({"on": "process", "do": {"delay_s": 1.0}})
    archive.start_worker(slots=4)
    command = archive.start("backfill", archive.uri, "--max-cost", usd_for(6), NIGHTSCRIBE_RUN_SEGMENT_ROWS="1")
    eventually(lambda: len(archive.ledger()["bills"]) >= 3, "something is spent")
    archive.redis.flushall()

    assert command.wait(90) == 3, archive.log("command.log")
    assert "added up again from S3" in archive.log("command.log")
    assert accepted(archive) == 6
    assert max(archive.bills_per_key().values()) == 1


def test_status_shows_the_budget_of_an_open_run(archive):
    archive.put_episodes(6)
    archive.start_worker()
    archive.run("backfill", archive.uri, "--max-cost", usd_for(3))

    plain = archive.run("status").stdout
    (run,) = json.loads(archive.run("status", "--json").stdout)["runs"]

    assert "reached: raise the ceiling to go on" in plain
    assert run["budget"]["is_reached"] is True
    assert 3 * EACH_USD <= run["budget"]["spent"]["cost_usd"] <= 3.5 * EACH_USD
